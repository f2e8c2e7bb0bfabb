from recourse.v1 import catalog_pb2 as _catalog_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class AssistantError(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASSISTANT_ERROR_UNSPECIFIED: _ClassVar[AssistantError]
    ASSISTANT_ERROR_INTENT_NOT_UNDERSTOOD: _ClassVar[AssistantError]
    ASSISTANT_ERROR_FIELDS_INVALID: _ClassVar[AssistantError]
    ASSISTANT_ERROR_NOT_YOUR_HISTORY: _ClassVar[AssistantError]
    ASSISTANT_ERROR_REQUEST_ID_REUSED: _ClassVar[AssistantError]
    ASSISTANT_ERROR_TOKEN_MISSING: _ClassVar[AssistantError]
    ASSISTANT_ERROR_TOKEN_EXPIRED: _ClassVar[AssistantError]
    ASSISTANT_ERROR_QUOTA_USED_UP: _ClassVar[AssistantError]
    ASSISTANT_ERROR_TEXT_BROKE_OFF: _ClassVar[AssistantError]
    ASSISTANT_ERROR_SOUND_NOT_SUPPORTED: _ClassVar[AssistantError]
    ASSISTANT_ERROR_CHAT_FULL: _ClassVar[AssistantError]
ASSISTANT_ERROR_UNSPECIFIED: AssistantError
ASSISTANT_ERROR_INTENT_NOT_UNDERSTOOD: AssistantError
ASSISTANT_ERROR_FIELDS_INVALID: AssistantError
ASSISTANT_ERROR_NOT_YOUR_HISTORY: AssistantError
ASSISTANT_ERROR_REQUEST_ID_REUSED: AssistantError
ASSISTANT_ERROR_TOKEN_MISSING: AssistantError
ASSISTANT_ERROR_TOKEN_EXPIRED: AssistantError
ASSISTANT_ERROR_QUOTA_USED_UP: AssistantError
ASSISTANT_ERROR_TEXT_BROKE_OFF: AssistantError
ASSISTANT_ERROR_SOUND_NOT_SUPPORTED: AssistantError
ASSISTANT_ERROR_CHAT_FULL: AssistantError
