"""What one partner's page shows of each environment: the client, and what its calls may name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from pratique.institutions.models import Institution, Package, Tracker
from pratique.interfaces.console.partner_list import ENVIRONMENTS
from pratique.partners.actions import demo_environment
from pratique.partners.models import Environment
from pratique.partners.queries import ClientLine


@dataclass(frozen=True)
class PackageLine:
    """A package as calls name it: its code, and its trackers by their exact names.

    A demo package also says which of production it stands for.
    """

    code: str
    trackers: Sequence[str]
    stands_for: str = ""


@dataclass(frozen=True)
class EnvironmentPart:
    """One environment. `packages` is empty where calls would find none yet."""

    key: str
    name: str | Promise
    line: ClientLine | None
    packages: Sequence[PackageLine]
    is_prepared: bool


def environments(
    institution: Institution, clients: Mapping[Environment, ClientLine]
) -> Sequence[EnvironmentPart]:
    """Return production, then demo. What the demo environment has is looked up only for a partner that is in it."""
    demo = clients.get(Environment.DEMO)
    state = demo_environment.state(institution) if demo else None
    return [
        EnvironmentPart(
            Environment.PRODUCTION.value, ENVIRONMENTS[Environment.PRODUCTION.value],
            clients.get(Environment.PRODUCTION), _own_packages(), is_prepared=True,
        ),
        EnvironmentPart(
            Environment.DEMO.value, ENVIRONMENTS[Environment.DEMO.value], demo,
            [
                PackageLine(code, state.tracker_names.get(code, ()), stands_for=own)
                for own, code in sorted(state.codes.items())
            ]
            if state else [],
            is_prepared=state is not None and state.prepared,
        ),
    ]  # fmt: skip


def _own_packages() -> Sequence[PackageLine]:
    names: dict[str, list[str]] = {
        code: [] for code in Package.objects.order_by("code").values_list("code", flat=True)
    }
    for code, name in Tracker.objects.order_by("name").values_list("package__code", "name"):
        names[code].append(name)
    return [PackageLine(code, trackers) for code, trackers in names.items()]


def command(parts: Sequence[EnvironmentPart], base_url: str) -> str:
    """Return the command that tries a call: in demo where the partner is in it. It asks for the key."""
    part = next((one for one in reversed(parts) if one.line), parts[0])
    client = part.line.client.identifier if part.line else "CLIENT_ID"
    code = part.packages[0].code if part.packages else "CODE"
    return f"pratique partner call getPackageCounts code={code} --url {base_url} --client-id {client}"
