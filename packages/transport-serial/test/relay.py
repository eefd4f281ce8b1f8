"""Pairs of ttys of the kernel, tied together. For a line `pair` on standard input a pair is made, and its two paths are printed; when both are open,
a line with the two paths begins the relaying, and `ready` is printed; `pull` and a path hang a pair up at once. Ends at the end of its input.

When one end was closed, what was written to it is passed on, and when that was read the other end is hung up. (socat does so, too, but does not
wait for the reading: the kernel then discards what was not read.)"""
import os
import select
import selectors
import sys
import tty

selector = selectors.DefaultSelector()
ends = {}
ended = []


class End:
    def __init__(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)
        self.over = False
        self.buffer = b''  # for the slave
        self.quiet = 0  # how many times in a row nothing was found unread
        ends[self.path] = self

    def watch(self):
        reads = selectors.EVENT_READ if len(self.other.buffer) < 8192 and not self.over else 0
        mask = reads | (selectors.EVENT_WRITE if self.buffer else 0)
        known = self.master in selector.get_map()
        if known and mask == 0:
            selector.unregister(self.master)
        elif known:
            selector.modify(self.master, mask, self)
        elif mask:
            selector.register(self.master, mask, self)

    def serve(self, mask):
        if self.master < 0:
            return
        if mask & selectors.EVENT_READ:
            try:
                self.other.buffer += os.read(self.master, 8192)
            except BlockingIOError:
                pass
            except OSError:
                self.over = True
                self.buffer = b''
                ended.append(self)
        if self.buffer:
            try:
                self.buffer = self.buffer[os.write(self.master, self.buffer):]
            except BlockingIOError:
                pass
        self.watch()
        self.other.watch()

    def unread(self):
        """Whether there is something that who has the slave open has not read. Polling also sees what the kernel has on its way to it."""
        slave = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            return select.select([slave], [], [], 0)[0] != []
        finally:
            os.close(slave)

    def hang_up(self):
        for end in (self, self.other):
            if end.master >= 0:
                if end.master in selector.get_map():
                    selector.unregister(end.master)
                os.close(end.master)
                ends.pop(end.path, None)
            end.master = -1


def may_hang_up(end):
    """Nothing is unread, twice in a row: a reader that has just taken something may be about to let more in."""
    other = end.other
    if end.master < 0 or other.over:
        return True
    other.quiet = 0 if other.buffer or other.unread() else other.quiet + 1
    return other.quiet > 1


def obey(line):
    words = line.split()
    if words[0] == 'pair':
        one, other = End(), End()
        one.other, other.other = other, one
        print(one.path, other.path, flush=True)
    elif words[0] == 'pull':
        if words[1] in ends:
            ends[words[1]].hang_up()
    else:
        pair = [ends[word] for word in words]
        for end in pair:
            os.close(end.slave)
        for end in pair:
            end.watch()
        print('ready', flush=True)


selector.register(0, selectors.EVENT_READ)
typed = b''
while True:
    for key, mask in selector.select(0.001 if ended else None):
        if key.fd != 0:
            key.data.serve(mask)
            continue
        data = os.read(0, 4096)
        if not data:
            sys.exit()
        *lines, typed = (typed + data).split(b'\n')
        for line in lines:
            obey(line.decode())
    for end in [end for end in ended if may_hang_up(end)]:
        end.hang_up()
        ended.remove(end)
