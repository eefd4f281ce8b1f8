"""Hangs a tty up for everybody, as the kernel does when a USB adapter is pulled out. Needs root."""
import ctypes
import fcntl
import os
import signal
import sys
import termios

signal.signal(signal.SIGHUP, signal.SIG_IGN)
if os.getsid(0) != os.getpid():
    os.setsid()
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
libc = ctypes.CDLL(None, use_errno=True)
sys.exit(0 if libc.vhangup() == 0 else os.strerror(ctypes.get_errno()))
