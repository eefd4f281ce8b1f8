"""pyserial at the other end. `echo PATH`: sends back what comes, slowly, until as many bytes as the third argument says have come."""
import sys
import time
import serial

port = serial.Serial(sys.argv[2], 115200, timeout=10)
print('open', flush=True)
left = int(sys.argv[3])
while left > 0:
    data = port.read(min(left, 3000))
    if not data:
        sys.exit('nothing more came')
    left -= len(data)
    port.write(data)
port.flush()
# What is in the kernel is lost when the tty is hung up: the other side says when it has it.
sys.stdin.readline()
port.close()
