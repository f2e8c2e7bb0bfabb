import datetime

from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from recourse.v1 import error_detail_pb2 as _error_detail_pb2
from recourse.v1 import recovery_action_pb2 as _recovery_action_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
CATALOG_FIELD_NUMBER: _ClassVar[int]
catalog: _descriptor.FieldDescriptor
ERROR_FIELD_NUMBER: _ClassVar[int]
error: _descriptor.FieldDescriptor
SERVICE_FIELD_NUMBER: _ClassVar[int]
service: _descriptor.FieldDescriptor
METHOD_FIELD_NUMBER: _ClassVar[int]
method: _descriptor.FieldDescriptor

class CatalogOptions(_message.Message):
    __slots__ = ("domain", "doc_base_url", "version")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    DOC_BASE_URL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    domain: str
    doc_base_url: str
    version: str
    def __init__(self, domain: _Optional[str] = ..., doc_base_url: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class ErrorOptions(_message.Message):
    __slots__ = ("code", "reason", "title", "message", "suggestion", "params", "outcome", "retry", "retry_delay", "actions", "links", "visibility", "severity", "since", "deprecated_since", "replaced_by", "lint")
    class Code(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CODE_UNSPECIFIED: _ClassVar[ErrorOptions.Code]
        CODE_CANCELLED: _ClassVar[ErrorOptions.Code]
        CODE_UNKNOWN: _ClassVar[ErrorOptions.Code]
        CODE_INVALID_ARGUMENT: _ClassVar[ErrorOptions.Code]
        CODE_DEADLINE_EXCEEDED: _ClassVar[ErrorOptions.Code]
        CODE_NOT_FOUND: _ClassVar[ErrorOptions.Code]
        CODE_ALREADY_EXISTS: _ClassVar[ErrorOptions.Code]
        CODE_PERMISSION_DENIED: _ClassVar[ErrorOptions.Code]
        CODE_RESOURCE_EXHAUSTED: _ClassVar[ErrorOptions.Code]
        CODE_FAILED_PRECONDITION: _ClassVar[ErrorOptions.Code]
        CODE_ABORTED: _ClassVar[ErrorOptions.Code]
        CODE_OUT_OF_RANGE: _ClassVar[ErrorOptions.Code]
        CODE_UNIMPLEMENTED: _ClassVar[ErrorOptions.Code]
        CODE_INTERNAL: _ClassVar[ErrorOptions.Code]
        CODE_UNAVAILABLE: _ClassVar[ErrorOptions.Code]
        CODE_DATA_LOSS: _ClassVar[ErrorOptions.Code]
        CODE_UNAUTHENTICATED: _ClassVar[ErrorOptions.Code]
    CODE_UNSPECIFIED: ErrorOptions.Code
    CODE_CANCELLED: ErrorOptions.Code
    CODE_UNKNOWN: ErrorOptions.Code
    CODE_INVALID_ARGUMENT: ErrorOptions.Code
    CODE_DEADLINE_EXCEEDED: ErrorOptions.Code
    CODE_NOT_FOUND: ErrorOptions.Code
    CODE_ALREADY_EXISTS: ErrorOptions.Code
    CODE_PERMISSION_DENIED: ErrorOptions.Code
    CODE_RESOURCE_EXHAUSTED: ErrorOptions.Code
    CODE_FAILED_PRECONDITION: ErrorOptions.Code
    CODE_ABORTED: ErrorOptions.Code
    CODE_OUT_OF_RANGE: ErrorOptions.Code
    CODE_UNIMPLEMENTED: ErrorOptions.Code
    CODE_INTERNAL: ErrorOptions.Code
    CODE_UNAVAILABLE: ErrorOptions.Code
    CODE_DATA_LOSS: ErrorOptions.Code
    CODE_UNAUTHENTICATED: ErrorOptions.Code
    class Visibility(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        VISIBILITY_UNSPECIFIED: _ClassVar[ErrorOptions.Visibility]
        VISIBILITY_PUBLIC: _ClassVar[ErrorOptions.Visibility]
        VISIBILITY_PARTNER: _ClassVar[ErrorOptions.Visibility]
        VISIBILITY_INTERNAL: _ClassVar[ErrorOptions.Visibility]
    VISIBILITY_UNSPECIFIED: ErrorOptions.Visibility
    VISIBILITY_PUBLIC: ErrorOptions.Visibility
    VISIBILITY_PARTNER: ErrorOptions.Visibility
    VISIBILITY_INTERNAL: ErrorOptions.Visibility
    class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SEVERITY_UNSPECIFIED: _ClassVar[ErrorOptions.Severity]
        SEVERITY_EXPECTED: _ClassVar[ErrorOptions.Severity]
        SEVERITY_WARNING: _ClassVar[ErrorOptions.Severity]
        SEVERITY_ERROR: _ClassVar[ErrorOptions.Severity]
    SEVERITY_UNSPECIFIED: ErrorOptions.Severity
    SEVERITY_EXPECTED: ErrorOptions.Severity
    SEVERITY_WARNING: ErrorOptions.Severity
    SEVERITY_ERROR: ErrorOptions.Severity
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    DEPRECATED_SINCE_FIELD_NUMBER: _ClassVar[int]
    REPLACED_BY_FIELD_NUMBER: _ClassVar[int]
    LINT_FIELD_NUMBER: _ClassVar[int]
    code: ErrorOptions.Code
    reason: str
    title: str
    message: str
    suggestion: str
    params: _containers.RepeatedCompositeFieldContainer[ErrorParameter]
    outcome: _error_detail_pb2.Outcome
    retry: _error_detail_pb2.RetryAdvice.Verdict
    retry_delay: _duration_pb2.Duration
    actions: _containers.RepeatedCompositeFieldContainer[_recovery_action_pb2.RecoveryAction]
    links: _containers.RepeatedCompositeFieldContainer[ErrorLink]
    visibility: ErrorOptions.Visibility
    severity: ErrorOptions.Severity
    since: str
    deprecated_since: str
    replaced_by: str
    lint: _containers.RepeatedCompositeFieldContainer[LintException]
    def __init__(self, code: _Optional[_Union[ErrorOptions.Code, str]] = ..., reason: _Optional[str] = ..., title: _Optional[str] = ..., message: _Optional[str] = ..., suggestion: _Optional[str] = ..., params: _Optional[_Iterable[_Union[ErrorParameter, _Mapping]]] = ..., outcome: _Optional[_Union[_error_detail_pb2.Outcome, str]] = ..., retry: _Optional[_Union[_error_detail_pb2.RetryAdvice.Verdict, str]] = ..., retry_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., actions: _Optional[_Iterable[_Union[_recovery_action_pb2.RecoveryAction, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[ErrorLink, _Mapping]]] = ..., visibility: _Optional[_Union[ErrorOptions.Visibility, str]] = ..., severity: _Optional[_Union[ErrorOptions.Severity, str]] = ..., since: _Optional[str] = ..., deprecated_since: _Optional[str] = ..., replaced_by: _Optional[str] = ..., lint: _Optional[_Iterable[_Union[LintException, _Mapping]]] = ...) -> None: ...

class ErrorParameter(_message.Message):
    __slots__ = ("key", "type", "sensitivity", "example", "description")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[ErrorParameter.Type]
        TYPE_STRING: _ClassVar[ErrorParameter.Type]
        TYPE_INT64: _ClassVar[ErrorParameter.Type]
        TYPE_BOOL: _ClassVar[ErrorParameter.Type]
        TYPE_DOUBLE: _ClassVar[ErrorParameter.Type]
        TYPE_DURATION: _ClassVar[ErrorParameter.Type]
        TYPE_TIMESTAMP: _ClassVar[ErrorParameter.Type]
    TYPE_UNSPECIFIED: ErrorParameter.Type
    TYPE_STRING: ErrorParameter.Type
    TYPE_INT64: ErrorParameter.Type
    TYPE_BOOL: ErrorParameter.Type
    TYPE_DOUBLE: ErrorParameter.Type
    TYPE_DURATION: ErrorParameter.Type
    TYPE_TIMESTAMP: ErrorParameter.Type
    class Sensitivity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SENSITIVITY_UNSPECIFIED: _ClassVar[ErrorParameter.Sensitivity]
        SENSITIVITY_PUBLIC: _ClassVar[ErrorParameter.Sensitivity]
        SENSITIVITY_INTERNAL: _ClassVar[ErrorParameter.Sensitivity]
        SENSITIVITY_PERSONAL: _ClassVar[ErrorParameter.Sensitivity]
        SENSITIVITY_SECRET: _ClassVar[ErrorParameter.Sensitivity]
    SENSITIVITY_UNSPECIFIED: ErrorParameter.Sensitivity
    SENSITIVITY_PUBLIC: ErrorParameter.Sensitivity
    SENSITIVITY_INTERNAL: ErrorParameter.Sensitivity
    SENSITIVITY_PERSONAL: ErrorParameter.Sensitivity
    SENSITIVITY_SECRET: ErrorParameter.Sensitivity
    KEY_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SENSITIVITY_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    key: str
    type: ErrorParameter.Type
    sensitivity: ErrorParameter.Sensitivity
    example: str
    description: str
    def __init__(self, key: _Optional[str] = ..., type: _Optional[_Union[ErrorParameter.Type, str]] = ..., sensitivity: _Optional[_Union[ErrorParameter.Sensitivity, str]] = ..., example: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ErrorLink(_message.Message):
    __slots__ = ("description", "url")
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    description: str
    url: str
    def __init__(self, description: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class LintException(_message.Message):
    __slots__ = ("rule", "reason")
    RULE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    rule: str
    reason: str
    def __init__(self, rule: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DeclaredErrors(_message.Message):
    __slots__ = ("errors",)
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    errors: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, errors: _Optional[_Iterable[str]] = ...) -> None: ...
