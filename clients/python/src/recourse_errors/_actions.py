"""Recovery actions as they may be shown."""

from __future__ import annotations

from typing import Iterable, Tuple

from google.protobuf.message import Message
from recourse.v1.recovery_action_pb2 import RecoveryAction

from ._text import clean
from ._wire import decode

_MAX_ACTIONS = 5
_MAX_ITEMS = 25
_MAX_TEXT = 256
_MAX_LABEL = 80


def read_actions(encoded: Iterable[bytes]) -> Tuple[RecoveryAction, ...]:
    """Returns the first five that decode, without links that nobody should follow."""
    actions = []
    for data in encoded:
        action = decode(RecoveryAction, data)
        if action is None or action.HasField("open_link") and not action.open_link.url.startswith("https://"):
            continue
        _tidy(action)
        action.label = clean(action.label, _MAX_LABEL)
        actions.append(action)
        if len(actions) == _MAX_ACTIONS:
            break
    return tuple(actions)


def _tidy(message: Message) -> None:
    """Cleans every text of a message, and cuts its lists."""
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:  # of texts, as all in actions
            entries = {clean(k, _MAX_TEXT): clean(v, _MAX_TEXT) for k, v in sorted(value.items())}
            value.clear()
            value.update(entries)
        elif field.is_repeated:
            del value[_MAX_ITEMS:]
            for i, item in enumerate(value):
                if isinstance(item, Message):
                    _tidy(item)
                elif isinstance(item, str):
                    value[i] = clean(item, _MAX_TEXT)
        elif isinstance(value, Message):
            _tidy(value)
        elif isinstance(value, str):
            setattr(message, field.name, clean(value, _MAX_TEXT))
