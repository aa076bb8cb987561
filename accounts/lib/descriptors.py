"""How many files and sockets this process may have open."""

import resource


def allow_descriptors(needed: int) -> None:
    """Let this process have so many open, or as many as it is allowed to allow itself."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= allowed < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed if most < 0 else min(needed, most), most))
