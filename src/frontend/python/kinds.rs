//! The names of Python's operators, built-in types and built-in exceptions.

/// `x op y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `//`
    FloorDivide,
    /// `%`
    Modulo,
    /// `**`
    Power,
    /// `@`
    MatrixMultiply,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    ExclusiveOr,
}

impl Binary {
    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        self.row().0
    }

    /// `__add__`, `__radd__`, `__iadd__`.
    #[must_use]
    pub fn methods(self) -> [&'static str; 3] {
        self.row().1
    }

    fn row(self) -> (&'static str, [&'static str; 3]) {
        match self {
            Binary::Add => ("+", ["__add__", "__radd__", "__iadd__"]),
            Binary::Subtract => ("-", ["__sub__", "__rsub__", "__isub__"]),
            Binary::Multiply => ("*", ["__mul__", "__rmul__", "__imul__"]),
            Binary::Divide => ("/", ["__truediv__", "__rtruediv__", "__itruediv__"]),
            Binary::FloorDivide => ("//", ["__floordiv__", "__rfloordiv__", "__ifloordiv__"]),
            Binary::Modulo => ("%", ["__mod__", "__rmod__", "__imod__"]),
            Binary::Power => ("**", ["__pow__", "__rpow__", "__ipow__"]),
            Binary::MatrixMultiply => ("@", ["__matmul__", "__rmatmul__", "__imatmul__"]),
            Binary::ShiftLeft => ("<<", ["__lshift__", "__rlshift__", "__ilshift__"]),
            Binary::ShiftRight => (">>", ["__rshift__", "__rrshift__", "__irshift__"]),
            Binary::And => ("&", ["__and__", "__rand__", "__iand__"]),
            Binary::Or => ("|", ["__or__", "__ror__", "__ior__"]),
            Binary::ExclusiveOr => ("^", ["__xor__", "__rxor__", "__ixor__"]),
        }
    }
}

/// `op x`, except `not`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `-x`
    Negative,
    /// `+x`
    Positive,
    /// `~x`
    Invert,
    /// `abs(x)`
    Absolute,
}

impl Unary {
    /// As messages name it, and its method.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Unary::Negative => ("unary -", "__neg__"),
            Unary::Positive => ("unary +", "__pos__"),
            Unary::Invert => ("unary ~", "__invert__"),
            Unary::Absolute => ("abs()", "__abs__"),
        }
    }
}

/// `x op y` with an answer of yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

impl Comparison {
    /// As it is written, and its method.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Comparison::Equal => ("==", "__eq__"),
            Comparison::NotEqual => ("!=", "__ne__"),
            Comparison::Less => ("<", "__lt__"),
            Comparison::LessEqual => ("<=", "__le__"),
            Comparison::Greater => (">", "__gt__"),
            Comparison::GreaterEqual => (">=", "__ge__"),
        }
    }

    /// The same question with the operands exchanged.
    #[must_use]
    pub fn swapped(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessEqual => Comparison::GreaterEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterEqual => Comparison::LessEqual,
            same => same,
        }
    }

    /// Whether an ordering answers it.
    #[must_use]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterEqual => ordering.is_ge(),
        }
    }
}

/// How a parameter is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// By position only (before `/`).
    Positional,
    /// By position or name.
    Either,
    /// By name only (after `*`).
    Named,
}

macro_rules! exceptions {
    ($($(#[$doc:meta])* $name:ident < $base:ident,)*) => {
        /// A built-in exception class.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ExceptionKind {
            /// The root.
            BaseException,
            $($(#[$doc])* #[doc = concat!("`", stringify!($name), "`, a `", stringify!($base), "`.")] $name,)*
        }

        impl ExceptionKind {
            /// All of them; a base stands before what is derived from it.
            pub const ALL: &'static [ExceptionKind] = &[ExceptionKind::BaseException, $(ExceptionKind::$name,)*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    ExceptionKind::BaseException => "BaseException",
                    $(ExceptionKind::$name => stringify!($name),)*
                }
            }

            /// The class that it is derived from.
            #[must_use]
            pub fn base(self) -> Option<ExceptionKind> {
                match self {
                    ExceptionKind::BaseException => None,
                    $(ExceptionKind::$name => Some(ExceptionKind::$base),)*
                }
            }
        }
    };
}

exceptions! {
    Exception < BaseException,
    SystemExit < BaseException,
    KeyboardInterrupt < BaseException,
    ArithmeticError < Exception,
    OverflowError < ArithmeticError,
    ZeroDivisionError < ArithmeticError,
    FloatingPointError < ArithmeticError,
    AssertionError < Exception,
    AttributeError < Exception,
    ImportError < Exception,
    ModuleNotFoundError < ImportError,
    LookupError < Exception,
    IndexError < LookupError,
    KeyError < LookupError,
    NameError < Exception,
    UnboundLocalError < NameError,
    OSError < Exception,
    RuntimeError < Exception,
    NotImplementedError < RuntimeError,
    RecursionError < RuntimeError,
    StopIteration < Exception,
    TypeError < Exception,
    ValueError < Exception,
    UnicodeError < ValueError,
    Warning < Exception,
    UserWarning < Warning,
    DeprecationWarning < Warning,
    RuntimeWarning < Warning,
}

macro_rules! types {
    ($($name:ident $text:literal,)*) => {
        /// A built-in type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Type {
            $(#[doc = concat!("`", $text, "`")] $name,)*
            /// An exception class.
            Exception(ExceptionKind),
        }

        impl Type {
            /// All but the exceptions, in the order of [`Type::index`].
            pub const PLAIN: &'static [Type] = &[$(Type::$name,)*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Type::$name => $text,)*
                    Type::Exception(kind) => kind.name(),
                }
            }
        }
    };
}

types! {
    Object "object",
    Type "type",
    NoneType "NoneType",
    NotImplementedType "NotImplementedType",
    Ellipsis "ellipsis",
    Int "int",
    Bool "bool",
    Float "float",
    Str "str",
    Tuple "tuple",
    List "list",
    Dict "dict",
    Set "set",
    FrozenSet "frozenset",
    Range "range",
    Slice "slice",
    Iterator "iterator",
    Function "function",
    NativeFunction "builtin_function_or_method",
    Method "method",
    Property "property",
    StaticMethod "staticmethod",
    ClassMethod "classmethod",
    Super "super",
    Module "module",
    Enumerate "enumerate",
    Zip "zip",
    Map "map",
    Filter "filter",
    Reversed "reversed",
}

impl Type {
    /// Its place among all types, exceptions last.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Type::Exception(kind) => Type::PLAIN.len() + kind as usize,
            plain => Type::PLAIN.iter().position(|one| *one == plain).unwrap_or(usize::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_own_place_and_bases_come_first() {
        for (at, kind) in Type::PLAIN.iter().enumerate() {
            assert_eq!(kind.index(), at);
        }
        for (at, kind) in ExceptionKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, at);
            assert!(kind.base().is_none_or(|base| (base as usize) < at), "{}", kind.name());
        }
    }
}
