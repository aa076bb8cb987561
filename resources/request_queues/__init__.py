"""The requests of a queue: added once each, worked off in order, locked while a client works on them.

Rows in the database, with ordering and locks done by it, so that any number of processes may work on one queue. Every
writer takes its locks in one order: the queue's row, shared; then requests, in the order of their ids or without
waiting for any; the counters last. So writers never wait for each other in a circle, and who deletes the queue waits
for them and they for him.
"""
