"""Pydantic's models without pydantic until something is validated: importing it takes longer than a whole check.

A class made from `BaseModel` here is a plain one: it holds values, compares them and may be pickled (`kept.py`). With
the first validation a twin of it is made, a real pydantic model with the same annotations, fields, validators and
methods; whatever the twin accepts comes back as the plain class. `Field` and the validators wait in annotations as
calls that pydantic makes itself when it reads them, in real models as well. For types and editors all names here are
pydantic's own.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

if TYPE_CHECKING:
    from pydantic import AfterValidator as AfterValidator
    from pydantic import BaseModel as BaseModel
    from pydantic import BeforeValidator as BeforeValidator
    from pydantic import ConfigDict as ConfigDict
    from pydantic import Field as Field
    from pydantic import WithJsonSchema as WithJsonSchema
    from pydantic import model_validator as model_validator
else:
    ConfigDict = dict
    _HIDDEN = frozenset({"_defaults_by_name", "_real", "__dict__", "__weakref__"})

    class _Later:
        """A call of a pydantic function, made when its result is needed."""

        def __init__(self, name: str, *given: Any, **named: Any) -> None:
            self.name, self.given, self.named = name, given, named

        def made(self) -> Any:
            """Return what the call returns."""
            import pydantic

            return getattr(pydantic, self.name)(*self.given, **self.named)

        def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
            """Stand in an annotation for what is made."""
            made = self.made()
            if hasattr(made, "__get_pydantic_core_schema__"):
                return made.__get_pydantic_core_schema__(source, handler)
            inner = handler(source)
            if self.name != "Field":
                return inner
            from pydantic_core import core_schema

            bounded = handler.generate_schema(Annotated[source, made])
            # Something else in the annotation has changed the schema already: it comes first, then the bounds.
            return bounded if inner == handler.generate_schema(source) else core_schema.chain_schema([inner, bounded])

        def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
            made = self.made()
            own = getattr(made, "__get_pydantic_json_schema__", None)
            return own(schema, handler) if own else handler(schema)

    class _Method(_Later):
        """A method that pydantic shall call."""

        def __init__(self, method: Callable[..., Any], named: Mapping[str, Any]) -> None:
            super().__init__("model_validator", **named)
            self.method = method

        def made(self) -> Any:
            """Return the method as pydantic's decorator leaves it."""
            return super().made()(self.method)

    def _later(name: str) -> Callable[..., _Later]:
        return lambda *given, **named: _Later(name, *given, **named)

    AfterValidator, BeforeValidator = _later("AfterValidator"), _later("BeforeValidator")
    Field, WithJsonSchema = _later("Field"), _later("WithJsonSchema")

    def model_validator(**named: Any) -> Callable[[Callable[..., Any]], _Method]:
        """Mark a method that pydantic shall call."""
        return lambda method: _Method(method, named)

    class _Fields:
        """`model_fields` of the twin."""

        def __get__(self, instance: Any, owner: Any) -> Any:
            return owner._twin().model_fields

    class BaseModel:
        """Frozen values by name."""

        model_config: ClassVar[dict[str, Any]] = {}
        model_fields: ClassVar[Any] = _Fields()
        _defaults_by_name: ClassVar[dict[str, Any]] = {}
        _real: ClassVar[Any] = None

        def __init_subclass__(cls, **named: Any) -> None:
            super().__init_subclass__(**named)
            own = {name: cls.__dict__.get(name, ...) for name in cls.__dict__.get("__annotations__", {})}
            cls._defaults_by_name = {**cls._defaults_by_name, **own}

        def __init__(self, **given: Any) -> None:
            values = None if given else self._plain_defaults()
            self.__dict__.update(self._values(self._twin()(**given)) if values is None else values)

        @classmethod
        def _plain_defaults(cls) -> dict[str, Any] | None:
            """Return every field's default, None where a field has none: then there is something to say."""
            values = {}
            for name, default in cls._defaults_by_name.items():
                found = default
                if isinstance(default, _Later):
                    factory = default.named.get("default_factory")
                    found = factory() if factory else default.named.get("default", *default.given[:1] or (...,))
                if found is ...:
                    return None
                values[name] = found
            return values

        @classmethod
        def _twin(cls) -> Any:
            """Return the pydantic model of this class."""
            if cls.__dict__.get("_real") is None:
                import pydantic

                above = cls.__mro__[1]
                base = pydantic.BaseModel if above is BaseModel else above._twin()
                space = {
                    name: value.made() if isinstance(value, _Later) else value
                    for name, value in cls.__dict__.items()
                    if name not in _HIDDEN
                }
                cls._real = type(pydantic.BaseModel)(cls.__name__, (base,), space)
            return cls._real

        @staticmethod
        def _values(twin: Any) -> dict[str, Any]:
            return {**twin.__dict__, "_given": twin.model_fields_set}

        @classmethod
        def _of(cls, twin: Any) -> Self:
            made = object.__new__(cls)
            made.__dict__.update(cls._values(twin))
            return made

        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
            from pydantic_core import core_schema

            def take(value: Any, validate: Callable[[Any], Any]) -> Any:
                return value if isinstance(value, cls) else cls._of(validate(value))

            return core_schema.no_info_wrap_validator_function(take, handler.generate_schema(cls._twin()))

        @classmethod
        def model_validate(cls, data: Any) -> Self:
            """As pydantic's."""
            return cls._of(cls._twin().model_validate(data))

        @classmethod
        def model_json_schema(cls, *given: Any, **named: Any) -> dict[str, Any]:
            """As pydantic's."""
            found: dict[str, Any] = cls._twin().model_json_schema(*given, **named)
            return found

        def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
            """As pydantic's: nothing is validated."""
            made = object.__new__(type(self))
            given = {*self.model_fields_set, *(update or {})}
            made.__dict__.update({**self.__dict__, **(update or {}), "_given": given})
            return made

        @property
        def model_fields_set(self) -> set[str]:
            """The names of the fields that were given."""
            return set(self.__dict__.get("_given", ()))

        def _compared(self) -> dict[str, Any]:
            return {name: value for name, value in self.__dict__.items() if name != "_given"}

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

        def __eq__(self, other: object) -> bool:
            return type(self) is type(other) and self._compared() == other._compared()

        def __hash__(self) -> int:
            return hash((type(self), *self._compared().values()))

        def __repr__(self) -> str:
            values = ", ".join(f"{name}={value!r}" for name, value in self._compared().items())
            return f"{type(self).__name__}({values})"
