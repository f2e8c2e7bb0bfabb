import datetime

from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecoveryAction(_message.Message):
    __slots__ = ("actor", "label", "then_retry", "required", "retry_after", "reauthenticate", "fix_fields", "call_method", "refresh", "reduce_batch", "wait_for_quota", "request_access", "poll_operation", "restart_transaction", "upgrade_client", "open_link", "contact_support", "custom")
    class Actor(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTOR_UNSPECIFIED: _ClassVar[RecoveryAction.Actor]
        ACTOR_CLIENT: _ClassVar[RecoveryAction.Actor]
        ACTOR_CALLER_CODE: _ClassVar[RecoveryAction.Actor]
        ACTOR_END_USER: _ClassVar[RecoveryAction.Actor]
        ACTOR_ADMIN: _ClassVar[RecoveryAction.Actor]
        ACTOR_SERVICE_OWNER: _ClassVar[RecoveryAction.Actor]
    ACTOR_UNSPECIFIED: RecoveryAction.Actor
    ACTOR_CLIENT: RecoveryAction.Actor
    ACTOR_CALLER_CODE: RecoveryAction.Actor
    ACTOR_END_USER: RecoveryAction.Actor
    ACTOR_ADMIN: RecoveryAction.Actor
    ACTOR_SERVICE_OWNER: RecoveryAction.Actor
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    THEN_RETRY_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    REAUTHENTICATE_FIELD_NUMBER: _ClassVar[int]
    FIX_FIELDS_FIELD_NUMBER: _ClassVar[int]
    CALL_METHOD_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    REDUCE_BATCH_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_QUOTA_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ACCESS_FIELD_NUMBER: _ClassVar[int]
    POLL_OPERATION_FIELD_NUMBER: _ClassVar[int]
    RESTART_TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    UPGRADE_CLIENT_FIELD_NUMBER: _ClassVar[int]
    OPEN_LINK_FIELD_NUMBER: _ClassVar[int]
    CONTACT_SUPPORT_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    actor: RecoveryAction.Actor
    label: str
    then_retry: bool
    required: bool
    retry_after: RetryAfter
    reauthenticate: Reauthenticate
    fix_fields: FixFields
    call_method: CallMethod
    refresh: Refresh
    reduce_batch: ReduceBatch
    wait_for_quota: WaitForQuota
    request_access: RequestAccess
    poll_operation: PollOperation
    restart_transaction: RestartTransaction
    upgrade_client: UpgradeClient
    open_link: OpenLink
    contact_support: ContactSupport
    custom: _any_pb2.Any
    def __init__(self, actor: _Optional[_Union[RecoveryAction.Actor, str]] = ..., label: _Optional[str] = ..., then_retry: bool = ..., required: bool = ..., retry_after: _Optional[_Union[RetryAfter, _Mapping]] = ..., reauthenticate: _Optional[_Union[Reauthenticate, _Mapping]] = ..., fix_fields: _Optional[_Union[FixFields, _Mapping]] = ..., call_method: _Optional[_Union[CallMethod, _Mapping]] = ..., refresh: _Optional[_Union[Refresh, _Mapping]] = ..., reduce_batch: _Optional[_Union[ReduceBatch, _Mapping]] = ..., wait_for_quota: _Optional[_Union[WaitForQuota, _Mapping]] = ..., request_access: _Optional[_Union[RequestAccess, _Mapping]] = ..., poll_operation: _Optional[_Union[PollOperation, _Mapping]] = ..., restart_transaction: _Optional[_Union[RestartTransaction, _Mapping]] = ..., upgrade_client: _Optional[_Union[UpgradeClient, _Mapping]] = ..., open_link: _Optional[_Union[OpenLink, _Mapping]] = ..., contact_support: _Optional[_Union[ContactSupport, _Mapping]] = ..., custom: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...

class RetryAfter(_message.Message):
    __slots__ = ("max_delay", "max_attempts", "delay")
    MAX_DELAY_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    max_delay: _duration_pb2.Duration
    max_attempts: int
    delay: _duration_pb2.Duration
    def __init__(self, max_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_attempts: _Optional[int] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Reauthenticate(_message.Message):
    __slots__ = ("kind", "scopes")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Reauthenticate.Kind]
        KIND_REFRESH: _ClassVar[Reauthenticate.Kind]
        KIND_LOGIN: _ClassVar[Reauthenticate.Kind]
        KIND_STEP_UP: _ClassVar[Reauthenticate.Kind]
    KIND_UNSPECIFIED: Reauthenticate.Kind
    KIND_REFRESH: Reauthenticate.Kind
    KIND_LOGIN: Reauthenticate.Kind
    KIND_STEP_UP: Reauthenticate.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    kind: Reauthenticate.Kind
    scopes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[_Union[Reauthenticate.Kind, str]] = ..., scopes: _Optional[_Iterable[str]] = ...) -> None: ...

class FixFields(_message.Message):
    __slots__ = ("fixes",)
    class Fix(_message.Message):
        __slots__ = ("field", "reason", "allowed_values", "suggested_value")
        FIELD_FIELD_NUMBER: _ClassVar[int]
        REASON_FIELD_NUMBER: _ClassVar[int]
        ALLOWED_VALUES_FIELD_NUMBER: _ClassVar[int]
        SUGGESTED_VALUE_FIELD_NUMBER: _ClassVar[int]
        field: str
        reason: str
        allowed_values: _containers.RepeatedScalarFieldContainer[str]
        suggested_value: str
        def __init__(self, field: _Optional[str] = ..., reason: _Optional[str] = ..., allowed_values: _Optional[_Iterable[str]] = ..., suggested_value: _Optional[str] = ...) -> None: ...
    FIXES_FIELD_NUMBER: _ClassVar[int]
    fixes: _containers.RepeatedCompositeFieldContainer[FixFields.Fix]
    def __init__(self, fixes: _Optional[_Iterable[_Union[FixFields.Fix, _Mapping]]] = ...) -> None: ...

class CallMethod(_message.Message):
    __slots__ = ("method", "copy_fields")
    class CopyFieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    METHOD_FIELD_NUMBER: _ClassVar[int]
    COPY_FIELDS_FIELD_NUMBER: _ClassVar[int]
    method: str
    copy_fields: _containers.ScalarMap[str, str]
    def __init__(self, method: _Optional[str] = ..., copy_fields: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Refresh(_message.Message):
    __slots__ = ("resource", "stale_field")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_FIELD_NUMBER: _ClassVar[int]
    resource: str
    stale_field: str
    def __init__(self, resource: _Optional[str] = ..., stale_field: _Optional[str] = ...) -> None: ...

class ReduceBatch(_message.Message):
    __slots__ = ("field", "max_items", "max_bytes")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    field: str
    max_items: int
    max_bytes: int
    def __init__(self, field: _Optional[str] = ..., max_items: _Optional[int] = ..., max_bytes: _Optional[int] = ...) -> None: ...

class WaitForQuota(_message.Message):
    __slots__ = ("quota_id", "resets_at")
    QUOTA_ID_FIELD_NUMBER: _ClassVar[int]
    RESETS_AT_FIELD_NUMBER: _ClassVar[int]
    quota_id: str
    resets_at: _timestamp_pb2.Timestamp
    def __init__(self, quota_id: _Optional[str] = ..., resets_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RequestAccess(_message.Message):
    __slots__ = ("permissions", "resource")
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    permissions: _containers.RepeatedScalarFieldContainer[str]
    resource: str
    def __init__(self, permissions: _Optional[_Iterable[str]] = ..., resource: _Optional[str] = ...) -> None: ...

class PollOperation(_message.Message):
    __slots__ = ("operation", "interval")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    operation: str
    interval: _duration_pb2.Duration
    def __init__(self, operation: _Optional[str] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RestartTransaction(_message.Message):
    __slots__ = ("scope",)
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    scope: str
    def __init__(self, scope: _Optional[str] = ...) -> None: ...

class UpgradeClient(_message.Message):
    __slots__ = ("min_version",)
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    min_version: str
    def __init__(self, min_version: _Optional[str] = ...) -> None: ...

class OpenLink(_message.Message):
    __slots__ = ("url",)
    URL_FIELD_NUMBER: _ClassVar[int]
    url: str
    def __init__(self, url: _Optional[str] = ...) -> None: ...

class ContactSupport(_message.Message):
    __slots__ = ("channel", "reference")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    channel: str
    reference: str
    def __init__(self, channel: _Optional[str] = ..., reference: _Optional[str] = ...) -> None: ...
