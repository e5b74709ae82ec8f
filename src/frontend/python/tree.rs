//! The syntax tree that the evaluator walks: names are resolved to places, constants made, every node has its line.
//!
//! It is ours and small; `syntax` makes it of what the parser crate yields, which nothing else sees.

use std::{fmt, rc::Rc, sync::Arc};

use super::kinds::{Binary, Comparison, Unary};
use crate::error::Origin;

/// A source text under the name that the user knows it by; lines end in `\n`.
pub(super) struct SourceText {
    name: Arc<str>,
    text: String,
    /// Where each line starts, in bytes.
    starts: Vec<usize>,
}

impl SourceText {
    /// Keeps a text.
    #[must_use]
    pub(super) fn new(name: &str, text: String) -> SourceText {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        SourceText { name: name.into(), text, starts }
    }

    /// The text.
    #[must_use]
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The 1-based line of an offset in bytes.
    #[must_use]
    pub(super) fn line_at(&self, offset: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    /// Where a 1-based line starts, in bytes.
    #[must_use]
    pub(super) fn start_of(&self, line: u32) -> usize {
        (line as usize).checked_sub(1).and_then(|at| self.starts.get(at)).copied().unwrap_or(self.text.len())
    }

    /// A 1-based line, without its end.
    #[must_use]
    pub(super) fn line(&self, line: u32) -> &str {
        let rest = self.text.get(self.start_of(line)..).unwrap_or_default();
        rest.split('\n').next().unwrap_or_default()
    }

    /// The place of a 1-based line.
    #[must_use]
    pub(super) fn origin(&self, line: u32) -> Origin {
        Origin { file: self.name.clone(), line, text: self.line(line).into() }
    }
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceText({}, {} lines)", self.name, self.starts.len())
    }
}

/// What kind of block a [`Code`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// A file.
    Module,
    /// A class's body.
    Class,
    /// `def` or `lambda`.
    Function,
    /// A comprehension or generator expression.
    Comprehension,
}

/// A parameter as it is written.
#[derive(Debug)]
pub(super) struct ParameterText {
    /// Its name.
    pub(super) name: Rc<str>,
    /// Before `/`.
    pub(super) positional_only: bool,
    /// After `*`.
    pub(super) named_only: bool,
    /// Its default, evaluated where the function is defined.
    pub(super) default: Option<Expression>,
}

/// A block of code with its own names.
#[derive(Debug)]
pub(super) struct Code {
    /// `inference`, `<module>`, `<lambda>`.
    pub(super) name: Rc<str>,
    /// `UserModel.inference`.
    pub(super) qualified: Rc<str>,
    /// Its kind.
    pub(super) block: Block,
    /// The file.
    pub(super) source: Rc<SourceText>,
    /// Where it starts.
    pub(super) line: u32,
    /// Its docstring.
    pub(super) doc: Option<Rc<str>>,
    /// Parameters in slots `0..`, then `*rest`, then `**keywords`.
    pub(super) parameters: Vec<ParameterText>,
    /// `*args`.
    pub(super) rest: Option<Rc<str>>,
    /// `**kwargs`.
    pub(super) keywords: Option<Rc<str>>,
    /// The name of every slot.
    pub(super) slots: Vec<Rc<str>>,
    /// Slots that nested blocks share.
    pub(super) shared: Vec<usize>,
    /// For each slot from `captured_from` on: the slot of the block around it that it is.
    pub(super) captures: Vec<usize>,
    /// The first captured slot.
    pub(super) captured_from: usize,
    /// What it does.
    pub(super) body: Body,
}

/// What a [`Code`] does.
#[derive(Debug)]
pub(super) enum Body {
    /// Statements.
    Statements(Vec<Statement>),
    /// A lambda's expression.
    Expression(Expression),
    /// A comprehension; slot 0 holds the first iterator.
    Comprehension(Comprehension),
}

/// What a comprehension makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collects {
    /// `[…]`
    List,
    /// `{…}`
    Set,
    /// `{k: v …}`
    Dict,
    /// `(…)`
    Generator,
}

/// The inside of a comprehension.
#[derive(Debug)]
pub(super) struct Comprehension {
    /// What it makes.
    pub(super) collects: Collects,
    /// `for … in … if …`, outermost first.
    pub(super) clauses: Vec<Clause>,
    /// The element, or a dict's key.
    pub(super) element: Expression,
    /// A dict's value.
    pub(super) value: Option<Expression>,
}

/// One `for … in … if …`.
#[derive(Debug)]
pub(super) struct Clause {
    /// What each item is assigned to.
    pub(super) target: Target,
    /// What is walked; `None` for the first clause, whose iterator is made outside.
    pub(super) iterable: Option<Expression>,
    /// Its `if`s.
    pub(super) conditions: Vec<Expression>,
}

/// Where a name lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A slot of the running block.
    Slot(usize),
    /// The file's globals, then the built-ins.
    Global,
    /// The class that is being defined, then as `Global`.
    Class,
}

/// A literal.
#[derive(Debug, Clone)]
pub(super) enum Constant {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// `...`
    Ellipsis,
    /// An integer.
    Int(i64),
    /// An integer of more than 64 bits.
    Large(Rc<str>),
    /// A floating-point number.
    Float(f64),
    /// A string.
    Str(Rc<str>),
}

/// An expression and the line that errors in it name.
#[derive(Debug)]
pub(super) struct Expression {
    /// 1-based line.
    pub(super) line: u32,
    /// What it is.
    pub(super) kind: ExpressionKind,
}

/// One item of `[a, *b]`.
#[derive(Debug)]
pub(super) struct Item {
    /// Its value.
    pub(super) value: Expression,
    /// `*value`: all items of it.
    pub(super) starred: bool,
}

/// One argument of a call.
#[derive(Debug)]
pub(super) enum Argument {
    /// `f(x)`
    Positional(Expression),
    /// `f(*x)`
    Star(Expression),
    /// `f(name=x)`
    Named(Rc<str>, Expression),
    /// `f(**x)`
    Stars(Expression),
}

/// A piece of an f-string.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text as it is.
    Text(Rc<str>),
    /// `{value!r:spec}`
    Value {
        /// What is shown.
        value: Expression,
        /// `r`, `s` or `a`.
        conversion: Option<char>,
        /// The format, itself an f-string.
        format: Vec<Piece>,
    },
}

/// What an expression is.
#[derive(Debug)]
pub(super) enum ExpressionKind {
    /// A literal.
    Constant(Constant),
    /// An f-string.
    Joined(Vec<Piece>),
    /// A name.
    Name(Rc<str>, Place),
    /// `a, b`
    Tuple(Vec<Item>),
    /// `[a, b]`
    List(Vec<Item>),
    /// `{a, b}`
    Set(Vec<Item>),
    /// `{a: b, **c}`; a key of `None` stands for `**`.
    Dict(Vec<(Option<Expression>, Expression)>),
    /// `a.b`
    Attribute(Box<Expression>, Rc<str>),
    /// `a[b]`
    Subscript(Box<Expression>, Box<Expression>),
    /// `a:b:c` within a subscript.
    Slice(Box<[Option<Expression>; 3]>),
    /// `f(…)`
    Call(Box<Expression>, Vec<Argument>),
    /// `super()`: the slot of the class, and of the method's first parameter.
    Super(usize),
    /// `-a`
    Unary(Unary, Box<Expression>),
    /// `not a`
    Not(Box<Expression>),
    /// `a + b`
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// `a and b and c`
    And(Vec<Expression>),
    /// `a or b or c`
    Or(Vec<Expression>),
    /// `a < b <= c`
    Compare(Box<Expression>, Vec<(Relation, Expression)>),
    /// `b if a else c`, in the order a, b, c.
    If(Box<[Expression; 3]>),
    /// `lambda …`
    Lambda(Rc<Code>),
    /// A comprehension and its first iterable.
    Comprehension(Rc<Code>, Box<Expression>),
    /// `(name := value)`
    Walrus(Box<Target>, Box<Expression>),
}

/// What a comparison asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// `<` and its kin.
    Ordered(Comparison),
    /// `in`, or `not in` when false.
    In(bool),
    /// `is`, or `is not` when false.
    Is(bool),
}

/// What is assigned to.
#[derive(Debug)]
pub(super) struct Target {
    /// 1-based line.
    pub(super) line: u32,
    /// What it is.
    pub(super) kind: TargetKind,
}

/// What is assigned to.
#[derive(Debug)]
pub(super) enum TargetKind {
    /// A name.
    Name(Rc<str>, Place),
    /// `a.b`
    Attribute(Expression, Rc<str>),
    /// `a[b]`
    Subscript(Expression, Expression),
    /// `a, *b, c`, and which of them is starred.
    Sequence(Vec<Target>, Option<usize>),
}

/// A statement and its line.
#[derive(Debug)]
pub(super) struct Statement {
    /// 1-based line.
    pub(super) line: u32,
    /// What it is.
    pub(super) kind: StatementKind,
}

/// `except types as name:`
#[derive(Debug)]
pub(super) struct Handler {
    /// 1-based line.
    pub(super) line: u32,
    /// The class or tuple of classes; all without.
    pub(super) types: Option<Expression>,
    /// What the exception is called in the block.
    pub(super) name: Option<Target>,
    /// The block.
    pub(super) body: Vec<Statement>,
}

/// What a statement is.
#[derive(Debug)]
pub(super) enum StatementKind {
    /// An expression for its effect.
    Expression(Expression),
    /// `a = b = value`
    Assign(Vec<Target>, Expression),
    /// `a += value`
    Augmented(Target, Binary, Expression),
    /// `del a`
    Delete(Vec<Target>),
    /// `return value`
    Return(Option<Expression>),
    /// `raise exception from cause`
    Raise(Option<Expression>, Option<Expression>),
    /// `assert test, message`
    Assert(Expression, Option<Expression>),
    /// `if`, `elif` … and `else`.
    If(Vec<(Expression, Vec<Statement>)>, Vec<Statement>),
    /// `while test:` and its `else`.
    While(Expression, Vec<Statement>, Vec<Statement>),
    /// `for target in iterable:` and its `else`.
    For(Target, Expression, Vec<Statement>, Vec<Statement>),
    /// `with a as b, c as d:`
    With(Vec<(Expression, Option<Target>)>, Vec<Statement>),
    /// `try:` with handlers, `else`, `finally`.
    Try(Vec<Statement>, Vec<Handler>, Vec<Statement>, Vec<Statement>),
    /// `def`: decorators outermost first.
    Function(Target, Rc<Code>, Vec<Expression>),
    /// `class`: arguments in parentheses, body, decorators.
    Class(Target, Vec<Argument>, Rc<Code>, Vec<Expression>),
    /// `import a.b as c`: the dotted name, what it is bound to, and whether that is the innermost module.
    Import(Rc<str>, Target, bool),
    /// `from a.b import c as d, …`
    ImportFrom(Rc<str>, Vec<(Rc<str>, Target)>),
    /// `from a.b import *`
    ImportAll(Rc<str>),
    /// `pass`, `global`, `nonlocal`, a bare annotation.
    Nothing,
    /// `break`
    Break,
    /// `continue`
    Continue,
}
