"""Which calls of the kernel a run or build may not make: a filter that bubblewrap hands to the kernel (seccomp).

Isolation already takes every capability away. The filter closes the parts of the kernel that no Actor needs and that
have most of its bugs, before the kernel looks at the arguments of a call. A refused call gets EPERM. Where programs
have another way, they are told ENOSYS, as by an older kernel, and take it. Programs of another ABI make other calls
under the same numbers: 32-bit ones are killed, and those of x32 are told ENOSYS.
"""

import errno
import platform
import struct
from collections.abc import Iterable, Mapping

# The numbers of the calls on x86_64 and aarch64, None where there is no such call.
_UNAVAILABLE = {
    # `clone3` takes its flags in memory, which a filter cannot read: libraries go on to `clone`. What is in
    # `memfd_secret` is in no measure of memory.
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_secret": (447, 447),
}
_REFUSED = {
    # What loads code into the kernel, measures it, or keeps something in it.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    # What changes the files that a job sees, or opens those that it does not see.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "mount_setattr": (442, 442),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "open_by_handle_at": (304, 265),
    # What makes or enters namespaces, in which a process has capabilities again; `clone` is looked at below.
    "unshare": (272, 97),
    "setns": (308, 268),
    # What reaches into other processes: all that a job sees are its own, or help to isolate it.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # What changes the machine or tells of others on it: its clock, its name, its log, its swap and quotas.
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "syslog": (103, 116),
    "reboot": (169, 142),
    "vhangup": (153, 58),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
}
_CLONE, _IOCTL, _SOCKET = (56, 220), (16, 29), (41, 198)

# Calls with higher numbers are newer than this list, and wait to be looked at: 467 is `open_tree_attr`, which mounts.
# On x86_64 this refuses the x32 ABI, too: its numbers begin at 2**30.
_LAST_KNOWN = 466

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET; `clone` cannot make a namespace of times.
_NEW_NAMESPACES = 0x7E020000
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX, which type into a terminal
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others pass by the rules for networks: vsock reaches the host of a virtual
# machine from every network namespace.
_FAMILIES = (1, 2, 10, 16)

# Where the kernel puts what a filter reads: `struct seccomp_data`. An argument has 64 bits, its lower half first. Of
# the arguments that are looked at the kernel uses no more than that half, either.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
# The instructions, from `linux/bpf_common.h`, and the answers, from `linux/seccomp.h`.
_LOAD, _IF_EQUAL, _IF_GREATER, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000

# The processors in the order of the numbers above, each with AUDIT_ARCH_*, the kernel's name for its ABI.
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def why_not(machine: str = "") -> str:
    """Return why there is no filter for a processor, by default this machine's; "" where there is one."""
    machine = machine or platform.machine()
    if machine in _ARCHITECTURES:
        return ""
    return f"The system calls of this kind of processor ({machine}) are not known here."


def filter_program(machine: str = "") -> bytes:
    """Return the filter for a processor, by default this one, as the kernel takes it: an array of `struct sock_filter`.

    Raises:
        KeyError: for a processor that `why_not` has a reason for.
    """
    machine = machine or platform.machine()
    architecture, column = _ARCHITECTURES[machine], list(_ARCHITECTURES).index(machine)
    program = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_IF_EQUAL, architecture, then=1),
        _instruction(_RETURN, _KILL_PROCESS),
        _instruction(_LOAD, _NUMBER),
        *_answer_if(_IF_GREATER, [_LAST_KNOWN], errno.ENOSYS),
        *_answer_if(_IF_EQUAL, _numbers(_UNAVAILABLE, column), errno.ENOSYS),
        *_answer_if(_IF_EQUAL, _numbers(_REFUSED, column), errno.EPERM),
        *_look_at(_CLONE[column], 0, _answer_if(_IF_ANY_BIT, [_NEW_NAMESPACES], errno.EPERM)),
        *_look_at(_IOCTL[column], 1, _answer_if(_IF_EQUAL, _TERMINAL_INPUT, errno.EPERM)),
        *_look_at(_SOCKET[column], 0, _answer_unless(_FAMILIES, errno.EAFNOSUPPORT)),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _numbers(calls: Mapping[str, tuple[int | None, int | None]], column: int) -> list[int]:
    return [number for each in calls.values() if (number := each[column]) is not None]


def _instruction(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """Return an instruction; of a condition, `then` and `otherwise` are how many instructions it passes over."""
    return struct.pack("=HBBI", code, then, otherwise, value)


def _answer_if(condition: int, values: Iterable[int], error: int) -> list[bytes]:
    """Return what answers with an error where one of the values fits."""
    answer = _instruction(_RETURN, _ERROR | error)
    return [each for value in values for each in (_instruction(condition, value, otherwise=1), answer)]


def _answer_unless(values: Iterable[int], error: int) -> list[bytes]:
    """Return what allows the values, and answers others with an error."""
    allow = _instruction(_RETURN, _ALLOW)
    allowed = [each for value in values for each in (_instruction(_IF_EQUAL, value, otherwise=1), allow)]
    return [*allowed, _instruction(_RETURN, _ERROR | error)]


def _look_at(number: int, argument: int, rules: list[bytes]) -> list[bytes]:
    """Return what applies rules to an argument of one call, which is allowed where no rule answers."""
    looked = [_instruction(_LOAD, _ARGUMENTS + 8 * argument), *rules, _instruction(_RETURN, _ALLOW)]
    return [_instruction(_IF_EQUAL, number, otherwise=len(looked)), *looked]
