from recourse.v1 import recovery_action_pb2 as _recovery_action_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_NOT_APPLIED: _ClassVar[Outcome]
    OUTCOME_APPLIED: _ClassVar[Outcome]
    OUTCOME_PARTIALLY_APPLIED: _ClassVar[Outcome]
    OUTCOME_INDETERMINATE: _ClassVar[Outcome]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_NOT_APPLIED: Outcome
OUTCOME_APPLIED: Outcome
OUTCOME_PARTIALLY_APPLIED: Outcome
OUTCOME_INDETERMINATE: Outcome

class ErrorDetail(_message.Message):
    __slots__ = ("error_code", "domain", "suggestion", "recovery_actions", "outcome", "retry", "operation", "causes", "elided", "catalog_version")
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    ELIDED_FIELD_NUMBER: _ClassVar[int]
    CATALOG_VERSION_FIELD_NUMBER: _ClassVar[int]
    error_code: str
    domain: str
    suggestion: str
    recovery_actions: _containers.RepeatedCompositeFieldContainer[_recovery_action_pb2.RecoveryAction]
    outcome: Outcome
    retry: RetryAdvice
    operation: str
    causes: _containers.RepeatedCompositeFieldContainer[CauseLink]
    elided: int
    catalog_version: str
    def __init__(self, error_code: _Optional[str] = ..., domain: _Optional[str] = ..., suggestion: _Optional[str] = ..., recovery_actions: _Optional[_Iterable[_Union[_recovery_action_pb2.RecoveryAction, _Mapping]]] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., retry: _Optional[_Union[RetryAdvice, _Mapping]] = ..., operation: _Optional[str] = ..., causes: _Optional[_Iterable[_Union[CauseLink, _Mapping]]] = ..., elided: _Optional[int] = ..., catalog_version: _Optional[str] = ...) -> None: ...

class RetryAdvice(_message.Message):
    __slots__ = ("verdict", "why", "attempts", "exhausted_by")
    class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        VERDICT_UNSPECIFIED: _ClassVar[RetryAdvice.Verdict]
        VERDICT_SAME_REQUEST: _ClassVar[RetryAdvice.Verdict]
        VERDICT_AFTER_ACTION: _ClassVar[RetryAdvice.Verdict]
        VERDICT_AT_HIGHER_LEVEL: _ClassVar[RetryAdvice.Verdict]
        VERDICT_NEVER: _ClassVar[RetryAdvice.Verdict]
    VERDICT_UNSPECIFIED: RetryAdvice.Verdict
    VERDICT_SAME_REQUEST: RetryAdvice.Verdict
    VERDICT_AFTER_ACTION: RetryAdvice.Verdict
    VERDICT_AT_HIGHER_LEVEL: RetryAdvice.Verdict
    VERDICT_NEVER: RetryAdvice.Verdict
    class Why(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        WHY_UNSPECIFIED: _ClassVar[RetryAdvice.Why]
        WHY_RETRIES_EXHAUSTED: _ClassVar[RetryAdvice.Why]
        WHY_OVERLOADED: _ClassVar[RetryAdvice.Why]
        WHY_BUDGET_SPENT: _ClassVar[RetryAdvice.Why]
        WHY_NOT_IDEMPOTENT: _ClassVar[RetryAdvice.Why]
        WHY_CIRCUIT_OPEN: _ClassVar[RetryAdvice.Why]
    WHY_UNSPECIFIED: RetryAdvice.Why
    WHY_RETRIES_EXHAUSTED: RetryAdvice.Why
    WHY_OVERLOADED: RetryAdvice.Why
    WHY_BUDGET_SPENT: RetryAdvice.Why
    WHY_NOT_IDEMPOTENT: RetryAdvice.Why
    WHY_CIRCUIT_OPEN: RetryAdvice.Why
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    EXHAUSTED_BY_FIELD_NUMBER: _ClassVar[int]
    verdict: RetryAdvice.Verdict
    why: RetryAdvice.Why
    attempts: int
    exhausted_by: str
    def __init__(self, verdict: _Optional[_Union[RetryAdvice.Verdict, str]] = ..., why: _Optional[_Union[RetryAdvice.Why, str]] = ..., attempts: _Optional[int] = ..., exhausted_by: _Optional[str] = ...) -> None: ...

class CauseLink(_message.Message):
    __slots__ = ("service", "domain", "error_code", "code", "request_id", "redaction")
    class Redaction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REDACTION_UNSPECIFIED: _ClassVar[CauseLink.Redaction]
        REDACTION_FULL: _ClassVar[CauseLink.Redaction]
    REDACTION_UNSPECIFIED: CauseLink.Redaction
    REDACTION_FULL: CauseLink.Redaction
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REDACTION_FIELD_NUMBER: _ClassVar[int]
    service: str
    domain: str
    error_code: str
    code: int
    request_id: str
    redaction: CauseLink.Redaction
    def __init__(self, service: _Optional[str] = ..., domain: _Optional[str] = ..., error_code: _Optional[str] = ..., code: _Optional[int] = ..., request_id: _Optional[str] = ..., redaction: _Optional[_Union[CauseLink.Redaction, str]] = ...) -> None: ...
