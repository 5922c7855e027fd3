"""Why something about file transfer is not possible, told to the person who tried."""


class TransferError(Exception):
    """A code, a sentence for the person, and the field that it is about (empty: none)."""

    def __init__(self, code: str, sentence: str, field: str = "") -> None:
        super().__init__(code)
        self.code, self.sentence, self.field = code, sentence, field
