"""What becomes of a file when nobody brings any more of it: it lands, has failed, or is kept."""

from __future__ import annotations

from services.agent.arrival import Arrival
from services.agent.destination import Destination
from services.agent.faults import Fault
from services.agent.halt import Stopped
from services.agent.landing import Landing
from services.agent.run import Run


def settle(arrival: Arrival, run: Run, destination: Destination, landing: Landing) -> None:
    """For whoever left it last. Raises Stopped, and keeps it then for a later run."""
    number, partial = arrival.number, arrival.partial
    if arrival.fault is not None:
        unwanted = arrival.discarded or not partial.verified
        partial.discard() if unwanted else partial.close()
        landing.add_failure(number, arrival.fault)
    elif partial.is_complete and not arrival.dropped:
        _land(arrival, run, destination, landing)
    else:
        partial.close()
        run.progress.failed(number)


def _land(arrival: Arrival, run: Run, destination: Destination, landing: Landing) -> None:
    partial, head, uri = arrival.partial, arrival.head, arrival.entry.uri
    assert head is not None
    try:
        digest = partial.hash(run.step)
        parts, name = destination.place(uri)
        place = (landing.folder(parts), name, destination.named(uri))
        destination.giving.dress(partial.descriptor, head, *place)
        size, owner = partial.verified, destination.owner(arrival.entry)
        started = arrival.started
        landing.add(arrival.number, uri, partial, size, digest, owner=owner, started=started)
    except Stopped:
        partial.close()
        raise
    except (OSError, Fault) as error:
        partial.close()
        landing.add_failure(arrival.number, destination.fault(uri, error))
