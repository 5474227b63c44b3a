"""What the tests of the training form play on: scripted outlooks and a scripted warm worker."""

from __future__ import annotations

from textual.message_pump import MessagePump

from app.tui.outlook_feed import Heard, OutlookFeed
from app.tui.screens.train import TrainScreen
from engine.training.outlook import look
from engine.training.row_counts import RowCounts
from store.records.outlook import Asked, RowFacts
from store.records.plan import DiskNeed, Machine
from store.workspace import Workspace
from tests.app.tui.stage import Staged

GIB = 1 << 30
CARD = Machine("NVIDIA GeForce RTX 4090", True, 24 * GIB, 22 * GIB, True)
SMALL = Machine("NVIDIA T400", True, GIB, 690 << 20, True)


class ScriptedOutlook(OutlookFeed):
    """Real outlooks for a machine that is always the same, at once and in this process.

    With `hold` an answer waits until `let_go`.
    """

    def __init__(self, workspace: Workspace, machine: Machine = CARD, hold: bool = False) -> None:
        self.workspace = workspace
        self.machine = machine
        self.hold = hold
        self.heard: list[Asked] = []
        self.counts = RowCounts(workspace, lambda: None)
        self.listener: MessagePump | None = None

    def open(self, listener: MessagePump) -> None:
        """As app.tui.outlook_feed.OutlookFeed."""
        self.listener = listener

    def ask(self, asked: Asked) -> None:
        """The same."""
        self.heard.append(asked)
        if not self.hold:
            self.answer()

    def answer(self) -> None:
        """Answer the newest question."""
        found = look(self.workspace, self.heard[-1], self.counts, self.machine)
        found.counting = False
        found.rows = RowFacts(408, 52_311, 9_120, 0, 0) if found.plan is not None else None
        found.disk = DiskNeed(812_000, 2_400_000, 4, 10_412_000, 45 * GIB, True) if found.disk else None
        assert self.listener is not None
        self.listener.post_message(Heard(found))

    def let_go(self) -> None:
        """Answer from now on."""
        self.hold = False
        self.answer()

    def close(self) -> None:
        """Nothing was started."""


class ScriptedWarming:
    """A worker that is warm and that no run gets."""

    def __init__(self) -> None:
        self.prepared: list[str] = []
        self.taken = self.closed = False

    def open(self, objective: str) -> None:
        """As app.tui.warming.Warming."""
        self.prepared.append(objective)

    def prepare(self, objective: str) -> None:
        """The same."""
        self.prepared.append(objective)

    def words(self) -> str:
        """The same."""
        return "worker warm, 612 MB"

    def take(self) -> None:
        """The same: the run starts cold."""
        self.taken = True

    def close(self) -> None:
        """The same."""
        self.closed = True


class TrainStaged(Staged):
    """The real app with scripted outlooks; `outlooks` None: the real helper process."""

    def __init__(self, workspace: Workspace, outlooks: ScriptedOutlook | None = None) -> None:
        super().__init__(workspace)
        self.outlooks = outlooks
        self.warmth = ScriptedWarming()

    def outlook_feed(self) -> OutlookFeed:
        """The script, or what there really is."""
        return self.outlooks if self.outlooks is not None else super().outlook_feed()

    def warming(self) -> ScriptedWarming:  # type: ignore[override]  # has the methods that the screen calls
        """The script."""
        return self.warmth

    @property
    def form(self) -> TrainScreen:
        """The form, which is to be seen."""
        screen = self.screen
        assert isinstance(screen, TrainScreen)
        return screen
