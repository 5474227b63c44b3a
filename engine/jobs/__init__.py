"""Jobs: starting detached workers, running them, queueing for the GPU, watching and stopping them.

kinds.py    which function does which job       launch.py   spec, detached process, handshake
worker.py   the process itself                  context.py  what a job may use while it runs
queue.py    waiting for the device
"""
