"""May commands run here, and as whom? The operator of the machine says so; nobody else can.

An agent that runs as root runs commands as whichever user it was told, and as root only when told
`root`. Any other agent can run them only as the user that it runs as itself.
"""

from __future__ import annotations

import os
import pwd

from msgspec import Struct

from services.agent.identity import Refused
from services.runtime.privileges import own_user

NOWHERE = "/"


class Permission(Struct, frozen=True):
    """The user of this machine that commands run as; `groups` are its supplementary ones."""

    user: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def permitted(user: str) -> Permission | None:
    """What the operator allowed by naming `user`; None for "". Raises Refused."""
    if not user:
        return None
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise Refused(
            f"--compute-user {user}: this machine has no such user: name one that it has, "
            "or leave the option out so that no commands run here"
        ) from None
    if os.geteuid() not in (0, found.pw_uid):
        raise Refused(
            f"--compute-user {user}: this agent runs as {own_user()} and cannot become {user}: "
            f"name {own_user()}, or start the agent as root"
        )
    home = found.pw_dir if os.path.isdir(found.pw_dir) else NOWHERE
    groups = tuple(os.getgrouplist(user, found.pw_gid))
    return Permission(user, found.pw_uid, found.pw_gid, groups, home)
