import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from recourse.v1 import recovery_action_pb2 as _recovery_action_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Degraded(_message.Message):
    __slots__ = ("kind", "error_code", "domain", "suggestion", "recovery_actions", "age", "source")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Degraded.Kind]
        KIND_STALE: _ClassVar[Degraded.Kind]
        KIND_DEFAULT: _ClassVar[Degraded.Kind]
        KIND_PARTIAL: _ClassVar[Degraded.Kind]
        KIND_SUBSTITUTE: _ClassVar[Degraded.Kind]
    KIND_UNSPECIFIED: Degraded.Kind
    KIND_STALE: Degraded.Kind
    KIND_DEFAULT: Degraded.Kind
    KIND_PARTIAL: Degraded.Kind
    KIND_SUBSTITUTE: Degraded.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    kind: Degraded.Kind
    error_code: str
    domain: str
    suggestion: str
    recovery_actions: _containers.RepeatedCompositeFieldContainer[_recovery_action_pb2.RecoveryAction]
    age: _duration_pb2.Duration
    source: str
    def __init__(self, kind: _Optional[_Union[Degraded.Kind, str]] = ..., error_code: _Optional[str] = ..., domain: _Optional[str] = ..., suggestion: _Optional[str] = ..., recovery_actions: _Optional[_Iterable[_Union[_recovery_action_pb2.RecoveryAction, _Mapping]]] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., source: _Optional[str] = ...) -> None: ...
