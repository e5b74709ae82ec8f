//! Expressions and targets: from the parser's nodes to ours.

use std::{collections::HashSet, rc::Rc};

use rustpython_ruff_python_ast::{
    BoolOp, CmpOp, Comprehension as ParsedComprehension, ConversionFlag, DictItem, Expr, ExprCall, FStringPart,
    InterpolatedStringElement, Number, Operator, Parameters, UnaryOp,
};
use rustpython_ruff_text_size::Ranged;

use super::{
    lowering::Lowering,
    scopes::{Bound, private},
};
use crate::{
    error::Result,
    frontend::python::{
        kinds::{Binary, Comparison, Unary},
        tree::{
            Argument, Block, Body, Clause, Code, Collects, Comprehension, Constant, Expression, ExpressionKind as Kind,
            Item, ParameterText, Piece, Place, Relation, Target, TargetKind,
        },
    },
};

/// A function's parameters: as written, `*rest`, `**keywords`.
type Written = (Vec<ParameterText>, Option<Rc<str>>, Option<Rc<str>>);

impl Lowering {
    pub(super) fn expression(&mut self, node: &Expr) -> Result<Expression> {
        let (line, kind) = self.kind(node)?;
        Ok(Expression { line, kind })
    }

    fn boxed(&mut self, node: &Expr) -> Result<Box<Expression>> {
        self.expression(node).map(Box::new)
    }

    pub(super) fn optional(&mut self, node: Option<&Expr>) -> Result<Option<Expression>> {
        node.map(|node| self.expression(node)).transpose()
    }

    fn expressions(&mut self, nodes: &[Expr]) -> Result<Vec<Expression>> {
        nodes.iter().map(|node| self.expression(node)).collect()
    }

    fn kind(&mut self, node: &Expr) -> Result<(u32, Kind)> {
        let line = self.line(node);
        Ok((
            line,
            match node {
                Expr::NoneLiteral(_) => Kind::Constant(Constant::None),
                Expr::BooleanLiteral(literal) => Kind::Constant(Constant::Bool(literal.value)),
                Expr::EllipsisLiteral(_) => Kind::Constant(Constant::Ellipsis),
                Expr::StringLiteral(literal) => Kind::Constant(Constant::Str(literal.value.to_str().into())),
                Expr::NumberLiteral(literal) => Kind::Constant(match &literal.value {
                    Number::Int(integer) => match integer.as_i64() {
                        Some(integer) => Constant::Int(integer),
                        None => Constant::Large(integer.to_string().into()),
                    },
                    Number::Float(number) => Constant::Float(*number),
                    Number::Complex { .. } => {
                        return Err(self.unsupported(node, "a complex number", "networks compute with real numbers"));
                    }
                }),
                Expr::FString(literal) => {
                    let mut pieces = Vec::new();
                    for part in literal.value.as_slice() {
                        match part {
                            FStringPart::Literal(text) => pieces.push(Piece::Text((&*text.value).into())),
                            FStringPart::FString(part) => self.pieces(&part.elements, &mut pieces)?,
                        }
                    }
                    Kind::Joined(pieces)
                }
                Expr::Name(name) => self.name(&name.id),
                Expr::Tuple(tuple) => Kind::Tuple(self.items(&tuple.elts)?),
                Expr::List(list) => Kind::List(self.items(&list.elts)?),
                Expr::Set(set) => Kind::Set(self.items(&set.elts)?),
                Expr::Dict(dict) => {
                    let pair = |item: &DictItem| Ok((self.optional(item.key.as_ref())?, self.expression(&item.value)?));
                    Kind::Dict(dict.items.iter().map(pair).collect::<Result<_>>()?)
                }
                Expr::Attribute(attribute) => {
                    let name = self.private(&attribute.attr);
                    let line = self.line(&attribute.attr);
                    return Ok((line, Kind::Attribute(self.boxed(&attribute.value)?, name)));
                }
                Expr::Subscript(subscript) => {
                    let line = self.last_line(&*subscript.value);
                    return Ok((line, Kind::Subscript(self.boxed(&subscript.value)?, self.boxed(&subscript.slice)?)));
                }
                Expr::Slice(slice) => Kind::Slice(Box::new([
                    self.optional(slice.lower.as_deref())?,
                    self.optional(slice.upper.as_deref())?,
                    self.optional(slice.step.as_deref())?,
                ])),
                Expr::Call(call) => return self.call(call),
                Expr::UnaryOp(unary) => {
                    let operand = self.boxed(&unary.operand)?;
                    match unary.op {
                        UnaryOp::Not => Kind::Not(operand),
                        UnaryOp::USub => Kind::Unary(Unary::Negative, operand),
                        UnaryOp::UAdd => Kind::Unary(Unary::Positive, operand),
                        UnaryOp::Invert => Kind::Unary(Unary::Invert, operand),
                    }
                }
                Expr::BinOp(binary) => {
                    let line = self.last_line(&*binary.left);
                    let (left, right) = (self.boxed(&binary.left)?, self.boxed(&binary.right)?);
                    return Ok((line, Kind::Binary(operator(binary.op), left, right)));
                }
                Expr::BoolOp(both) => match both.op {
                    BoolOp::And => Kind::And(self.expressions(&both.values)?),
                    BoolOp::Or => Kind::Or(self.expressions(&both.values)?),
                },
                Expr::Compare(compare) => {
                    let line = self.last_line(&*compare.left);
                    let first = self.boxed(&compare.left)?;
                    let rest = compare.ops.iter().zip(&compare.comparators);
                    let rest =
                        rest.map(|(op, node)| Ok((relation(*op), self.expression(node)?))).collect::<Result<_>>()?;
                    return Ok((line, Kind::Compare(first, rest)));
                }
                Expr::If(choice) => Kind::If(Box::new([
                    self.expression(&choice.test)?,
                    self.expression(&choice.body)?,
                    self.expression(&choice.orelse)?,
                ])),
                Expr::Lambda(lambda) => {
                    let (parameters, rest, keywords) = match &lambda.parameters {
                        Some(parameters) => self.parameters(parameters)?,
                        None => (Vec::new(), None, None),
                    };
                    let bound = Bound::of_expression(&lambda.body, self.class());
                    let slots = slots(&parameters, rest.as_ref(), keywords.as_ref(), &bound.names, &HashSet::new());
                    self.open(Block::Function, "<lambda>", slots, &bound);
                    let body = Body::Expression(self.expression(&lambda.body)?);
                    Kind::Lambda(self.close("<lambda>", line, (parameters, rest, keywords), None, body))
                }
                Expr::ListComp(it) => self.comprehension(line, Collects::List, &it.elt, None, &it.generators)?,
                Expr::SetComp(it) => self.comprehension(line, Collects::Set, &it.elt, None, &it.generators)?,
                Expr::Generator(it) => self.comprehension(line, Collects::Generator, &it.elt, None, &it.generators)?,
                Expr::DictComp(it) => {
                    self.comprehension(line, Collects::Dict, &it.key, Some(&it.value), &it.generators)?
                }
                Expr::Named(named) => Kind::Walrus(Box::new(self.target(&named.target)?), self.boxed(&named.value)?),
                Expr::Starred(_) => return Err(self.syntax_error(node, "a starred expression cannot stand here")),
                Expr::BytesLiteral(_) => {
                    return Err(self.unsupported(node, "a bytes literal", "write the string without the b in front"));
                }
                Expr::Yield(_) | Expr::YieldFrom(_) => {
                    return Err(self.unsupported(node, "`yield`", "append to a list and return it"));
                }
                Expr::Await(_) => return Err(self.unsupported(node, "`await`", "call the function without it")),
                Expr::TString(_) => return Err(self.unsupported(node, "a t-string", "write an f-string")),
                Expr::IpyEscapeCommand(_) => {
                    return Err(self.unsupported(node, "a command of IPython", "take this line out"));
                }
            },
        ))
    }

    fn name(&mut self, name: &str) -> Kind {
        let name = self.private(name);
        let place = self.place(&name);
        Kind::Name(name, place)
    }

    pub(super) fn class(&self) -> Option<&Rc<str>> {
        self.scopes.last().and_then(|scope| scope.class.as_ref())
    }

    pub(super) fn private(&self, name: &str) -> Rc<str> {
        private(name, self.class())
    }

    fn items(&mut self, nodes: &[Expr]) -> Result<Vec<Item>> {
        let item = |node: &Expr| match node {
            Expr::Starred(starred) => Ok(Item { value: self.expression(&starred.value)?, starred: true }),
            plain => Ok(Item { value: self.expression(plain)?, starred: false }),
        };
        nodes.iter().map(item).collect()
    }

    fn pieces(&mut self, elements: &[InterpolatedStringElement], pieces: &mut Vec<Piece>) -> Result<()> {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(text) => pieces.push(Piece::Text((&*text.value).into())),
                InterpolatedStringElement::Interpolation(shown) => {
                    let mut conversion = match shown.conversion {
                        ConversionFlag::None => None,
                        ConversionFlag::Str => Some('s'),
                        ConversionFlag::Ascii => Some('a'),
                        ConversionFlag::Repr => Some('r'),
                    };
                    if let Some(text) = &shown.debug_text {
                        let range = shown.expression.range();
                        let inner = &self.source.text()[range.start().to_usize()..range.end().to_usize()];
                        pieces.push(Piece::Text(format!("{}{inner}{}", text.leading, text.trailing).into()));
                        if shown.format_spec.is_none() {
                            conversion = conversion.or(Some('r'));
                        }
                    }
                    let mut format = Vec::new();
                    if let Some(spec) = &shown.format_spec {
                        self.pieces(&spec.elements, &mut format)?;
                    }
                    pieces.push(Piece::Value { value: self.expression(&shown.expression)?, conversion, format });
                }
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &ExprCall) -> Result<(u32, Kind)> {
        let line = self.last_line(&*call.func);
        if let (Expr::Name(name), true) = (&*call.func, call.arguments.is_empty())
            && name.id.as_str() == "super"
            && self.scopes.last().is_some_and(|scope| scope.block == Block::Function)
            && self.place("super") == Place::Global
        {
            return match self.place("__class__") {
                Place::Slot(slot) => Ok((line, Kind::Super(slot))),
                _ => Err(self.syntax_error(call, "super() without arguments stands in methods of a class only")),
            };
        }
        let function = self.boxed(&call.func)?;
        Ok((line, Kind::Call(function, self.arguments(&call.arguments)?)))
    }

    pub(super) fn arguments(&mut self, node: &rustpython_ruff_python_ast::Arguments) -> Result<Vec<Argument>> {
        let mut arguments = Vec::new();
        for argument in &node.args {
            arguments.push(match argument {
                Expr::Starred(starred) => Argument::Star(self.expression(&starred.value)?),
                plain => Argument::Positional(self.expression(plain)?),
            });
        }
        for keyword in &node.keywords {
            let value = self.expression(&keyword.value)?;
            arguments.push(match &keyword.arg {
                Some(name) => Argument::Named(name.as_str().into(), value),
                None => Argument::Stars(value),
            });
        }
        Ok(arguments)
    }

    /// Parameters with their defaults, which belong to the block around the function.
    pub(super) fn parameters(&mut self, node: &Parameters) -> Result<Written> {
        let mut parameters = Vec::new();
        let kinds = [(&node.posonlyargs, true, false), (&node.args, false, false), (&node.kwonlyargs, false, true)];
        for (list, positional_only, named_only) in kinds {
            for parameter in list {
                let name = self.private(&parameter.parameter.name);
                let default = self.optional(parameter.default.as_deref())?;
                parameters.push(ParameterText { name, positional_only, named_only, default });
            }
        }
        let rest = node.vararg.as_ref().map(|it| self.private(&it.name));
        let keywords = node.kwarg.as_ref().map(|it| self.private(&it.name));
        let mut seen = HashSet::new();
        for name in parameters.iter().map(|it| &it.name).chain(&rest).chain(&keywords) {
            if !seen.insert(name) {
                return Err(self.syntax_error(node, &format!("duplicate argument '{name}' in function definition")));
            }
        }
        Ok((parameters, rest, keywords))
    }

    fn comprehension(
        &mut self,
        line: u32,
        collects: Collects,
        element: &Expr,
        value: Option<&Expr>,
        generators: &[ParsedComprehension],
    ) -> Result<Kind> {
        if let Some(generator) = generators.iter().find(|generator| generator.is_async) {
            return Err(self.unsupported(generator, "`async`", "take the word out"));
        }
        // The first iterable belongs to the block around the comprehension.
        let first = self.boxed(&generators[0].iter)?;
        let mut own: Vec<Rc<str>> = vec![".0".into()];
        own.extend(Bound::of_targets(generators, self.class()));
        self.open(Block::Comprehension, "", own, &Bound::default());
        let mut clauses = Vec::new();
        for (at, generator) in generators.iter().enumerate() {
            let iterable = if at == 0 { None } else { Some(self.expression(&generator.iter)?) };
            let target = self.target(&generator.target)?;
            clauses.push(Clause { target, iterable, conditions: self.expressions(&generator.ifs)? });
        }
        let element = self.expression(element)?;
        let value = self.optional(value)?;
        let body = Body::Comprehension(Comprehension { collects, clauses, element, value });
        let name = match collects {
            Collects::List => "<listcomp>",
            Collects::Set => "<setcomp>",
            Collects::Dict => "<dictcomp>",
            Collects::Generator => "<genexpr>",
        };
        let code = self.close(name, line, (Vec::new(), None, None), None, body);
        Ok(Kind::Comprehension(code, first))
    }

    /// Closes the innermost block.
    pub(super) fn close(
        &mut self,
        name: &str,
        line: u32,
        written: Written,
        doc: Option<Rc<str>>,
        body: Body,
    ) -> Rc<Code> {
        let scope = self.scopes.pop().expect("close follows open");
        let outer = self.scopes.last().map_or("", |outer| outer.prefix.as_str());
        let mut shared: Vec<usize> = scope.shared.into_iter().collect();
        shared.sort_unstable();
        let (parameters, rest, keywords) = written;
        Rc::new(Code {
            name: name.into(),
            qualified: format!("{outer}{name}").into(),
            block: scope.block,
            source: Rc::clone(&self.source),
            line,
            doc,
            parameters,
            rest,
            keywords,
            slots: scope.slots,
            shared,
            captures: scope.captures,
            captured_from: scope.own,
            body,
        })
    }

    pub(super) fn target(&mut self, node: &Expr) -> Result<Target> {
        let line = self.line(node);
        let kind = match node {
            Expr::Name(name) => {
                let name = self.private(&name.id);
                let place = self.place(&name);
                TargetKind::Name(name, place)
            }
            Expr::Attribute(attribute) => {
                TargetKind::Attribute(self.expression(&attribute.value)?, self.private(&attribute.attr))
            }
            Expr::Subscript(subscript) => {
                TargetKind::Subscript(self.expression(&subscript.value)?, self.expression(&subscript.slice)?)
            }
            Expr::Tuple(tuple) => self.sequence(&tuple.elts, node)?,
            Expr::List(list) => self.sequence(&list.elts, node)?,
            _ => return Err(self.syntax_error(node, "cannot assign to this expression")),
        };
        Ok(Target { line, kind })
    }

    fn sequence(&mut self, nodes: &[Expr], whole: &Expr) -> Result<TargetKind> {
        let mut targets = Vec::new();
        let mut star = None;
        for (at, node) in nodes.iter().enumerate() {
            let node = match node {
                Expr::Starred(_) if star.is_some() => {
                    return Err(self.syntax_error(whole, "multiple starred expressions in assignment"));
                }
                Expr::Starred(starred) => {
                    star = Some(at);
                    &*starred.value
                }
                plain => plain,
            };
            targets.push(self.target(node)?);
        }
        Ok(TargetKind::Sequence(targets, star))
    }
}

/// The names of a function's slots: parameters, then the other names that it binds.
pub(super) fn slots(
    parameters: &[ParameterText],
    rest: Option<&Rc<str>>,
    keywords: Option<&Rc<str>>,
    names: &[Rc<str>],
    elsewhere: &HashSet<Rc<str>>,
) -> Vec<Rc<str>> {
    let mut slots: Vec<Rc<str>> = parameters.iter().map(|it| &it.name).chain(rest).chain(keywords).cloned().collect();
    for name in names {
        if !slots.contains(name) && !elsewhere.contains(name) {
            slots.push(Rc::clone(name));
        }
    }
    slots
}

pub(super) fn operator(operator: Operator) -> Binary {
    match operator {
        Operator::Add => Binary::Add,
        Operator::Sub => Binary::Subtract,
        Operator::Mult => Binary::Multiply,
        Operator::MatMult => Binary::MatrixMultiply,
        Operator::Div => Binary::Divide,
        Operator::Mod => Binary::Modulo,
        Operator::Pow => Binary::Power,
        Operator::LShift => Binary::ShiftLeft,
        Operator::RShift => Binary::ShiftRight,
        Operator::BitOr => Binary::Or,
        Operator::BitXor => Binary::ExclusiveOr,
        Operator::BitAnd => Binary::And,
        Operator::FloorDiv => Binary::FloorDivide,
    }
}

fn relation(operator: CmpOp) -> Relation {
    match operator {
        CmpOp::Eq => Relation::Ordered(Comparison::Equal),
        CmpOp::NotEq => Relation::Ordered(Comparison::NotEqual),
        CmpOp::Lt => Relation::Ordered(Comparison::Less),
        CmpOp::LtE => Relation::Ordered(Comparison::LessEqual),
        CmpOp::Gt => Relation::Ordered(Comparison::Greater),
        CmpOp::GtE => Relation::Ordered(Comparison::GreaterEqual),
        CmpOp::Is => Relation::Is(true),
        CmpOp::IsNot => Relation::Is(false),
        CmpOp::In => Relation::In(true),
        CmpOp::NotIn => Relation::In(false),
    }
}
