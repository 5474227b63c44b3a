"""Baseline arm of G12: an empty Textual app. Puts a word on the clipboard when its first frame is painted."""

from textual.app import App


class Empty(App[None]):
    """Closes itself after its first frame."""

    def on_ready(self) -> None:
        self.call_after_refresh(self.painted)

    def painted(self) -> None:
        self.copy_to_clipboard("PAINTED")  # goes out in order, behind the frame
        self.exit()


if __name__ == "__main__":
    Empty().run()
