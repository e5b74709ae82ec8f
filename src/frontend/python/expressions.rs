//! Evaluates expressions.

use std::{collections::HashSet, rc::Rc};

use super::{
    frame::Frame,
    generator::Walk,
    heap::{Charge, drop_nested},
    kinds::{ExceptionKind, ParameterKind},
    show::ascii,
    table::Table,
    tree::{Argument, Body, Code, Collects, Constant, Expression, ExpressionKind as Kind, Item, Piece, Relation},
    value::{
        Arguments, Class, Dict, Function, Interpreter, Names, Outcome, Parameter, Raised, Set, Signature, Slice, Super,
        Value,
    },
};

impl Interpreter {
    /// The value of an expression.
    pub(super) fn evaluate(&self, frame: &Frame, expression: &Expression) -> Outcome {
        match &expression.kind {
            Kind::Constant(constant) => {
                frame.at(expression.line);
                constant_value(constant)
            }
            Kind::Name(name, place) => {
                frame.at(expression.line);
                self.load(frame, name, *place)
            }
            _ => self.deeper(|| self.compound(frame, expression)),
        }
    }

    fn compound(&self, frame: &Frame, expression: &Expression) -> Outcome {
        let here = || frame.at(expression.line);
        match &expression.kind {
            Kind::Constant(_) | Kind::Name(..) => unreachable!("evaluate answers these itself"),
            Kind::Joined(pieces) => self.joined(frame, pieces).map(Value::from),
            Kind::Tuple(items) => self.items(frame, items).map(Value::tuple),
            Kind::List(items) => self.items(frame, items).map(Value::list),
            Kind::Set(items) => {
                let items = self.items(frame, items)?;
                here();
                let set = Set::of(Table::default(), false);
                items.into_iter().try_for_each(|item| self.set_insert(&set, item))?;
                Ok(Value::Set(set))
            }
            Kind::Dict(pairs) => self.dict_display(frame, pairs),
            Kind::Attribute(value, name) => {
                let value = self.evaluate(frame, value)?;
                here();
                self.attribute(&value, name)
            }
            Kind::Subscript(value, index) => {
                let value = self.evaluate(frame, value)?;
                let index = self.evaluate(frame, index)?;
                here();
                self.item(&value, &index)
            }
            Kind::Slice(parts) => {
                let part = |at: usize| match &parts[at] {
                    Some(part) => self.evaluate(frame, part),
                    None => Ok(Value::None),
                };
                let slice = Slice { start: part(0)?, stop: part(1)?, step: part(2)? };
                Ok(Value::Slice(Rc::new(slice)))
            }
            Kind::Call(function, arguments) => {
                let function = self.evaluate(frame, function)?;
                let arguments = self.arguments(frame, arguments)?;
                here();
                self.call(&function, arguments)
            }
            Kind::Super(slot) => {
                here();
                self.bare_super(frame, *slot)
            }
            Kind::Unary(operator, operand) => {
                let operand = self.evaluate(frame, operand)?;
                here();
                self.unary(*operator, &operand)
            }
            Kind::Not(operand) => {
                let operand = self.evaluate(frame, operand)?;
                here();
                Ok(Value::Bool(!self.truth(&operand)?))
            }
            Kind::Binary(operator, left, right) => {
                let left = self.evaluate(frame, left)?;
                let right = self.evaluate(frame, right)?;
                here();
                self.binary(*operator, &left, &right)
            }
            Kind::And(values) => self.junction(frame, values, false),
            Kind::Or(values) => self.junction(frame, values, true),
            Kind::Compare(first, rest) => {
                let mut left = self.evaluate(frame, first)?;
                for (at, (relation, right)) in rest.iter().enumerate() {
                    let right = self.evaluate(frame, right)?;
                    here();
                    let answer = self.relation(*relation, &left, &right)?;
                    if at + 1 == rest.len() || !self.truth(&answer)? {
                        return Ok(answer);
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Kind::If(parts) => {
                let [test, body, otherwise] = &**parts;
                let test = self.evaluate(frame, test)?;
                here();
                if self.truth(&test)? { self.evaluate(frame, body) } else { self.evaluate(frame, otherwise) }
            }
            Kind::Lambda(code) => self.function(frame, code).map(Value::Function),
            Kind::Comprehension(code, first) => {
                let first = self.evaluate(frame, first)?;
                here();
                self.comprehension(frame, code, &first)
            }
            Kind::Walrus(target, value) => {
                let value = self.evaluate(frame, value)?;
                self.assign(frame, target, value.clone())?;
                Ok(value)
            }
        }
    }

    fn items(&self, frame: &Frame, items: &[Item]) -> Outcome<Vec<Value>> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let value = self.evaluate(frame, &item.value)?;
            if item.starred {
                values.extend(self.list_of(&value)?);
            } else {
                values.push(value);
            }
        }
        Ok(values)
    }

    fn dict_display(&self, frame: &Frame, pairs: &[(Option<Expression>, Expression)]) -> Outcome {
        let dict = Dict::of(Table::default());
        for (key, value) in pairs {
            match key {
                Some(key) => {
                    let key = self.evaluate(frame, key)?;
                    let value = self.evaluate(frame, value)?;
                    self.dict_set(&dict, key, value)?;
                }
                None => {
                    let more = self.evaluate(frame, value)?;
                    let Value::Dict(more) = &more else {
                        return Err(Raised::type_error(format!("'{}' object is not a mapping", more.type_name())));
                    };
                    self.dict_update(&dict, more)?;
                }
            }
        }
        Ok(Value::Dict(dict))
    }

    fn junction(&self, frame: &Frame, values: &[Expression], until: bool) -> Outcome {
        let (last, before) = values.split_last().expect("`and` and `or` have two operands at least");
        for value in before {
            let found = self.evaluate(frame, value)?;
            frame.at(value.line);
            if self.truth(&found)? == until {
                return Ok(found);
            }
        }
        self.evaluate(frame, last)
    }

    fn relation(&self, relation: Relation, left: &Value, right: &Value) -> Outcome {
        match relation {
            Relation::Ordered(comparison) => self.compare(comparison, left, right),
            Relation::In(wanted) => Ok(Value::Bool(self.contains(right, left)? == wanted)),
            Relation::Is(wanted) => Ok(Value::Bool(left.is(right) == wanted)),
        }
    }

    /// The arguments of a call as it is written.
    pub(super) fn arguments(&self, frame: &Frame, written: &[Argument]) -> Outcome<Arguments> {
        let mut arguments = Arguments::default();
        let mut seen = HashSet::new();
        for argument in written {
            match argument {
                Argument::Positional(value) => arguments.positional.push(self.evaluate(frame, value)?),
                Argument::Star(value) => {
                    let value = self.evaluate(frame, value)?;
                    arguments.positional.extend(self.list_of(&value)?);
                }
                Argument::Named(name, value) => add(&mut arguments, &mut seen, name, self.evaluate(frame, value)?)?,
                Argument::Stars(value) => {
                    let value = self.evaluate(frame, value)?;
                    let Value::Dict(dict) = &value else {
                        let words = format!("argument after ** must be a dict, not {}", value.type_name());
                        return Err(Raised::type_error(words));
                    };
                    let pairs: Vec<_> =
                        dict.table.borrow().iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
                    for (key, value) in pairs {
                        let name = key.as_str().ok_or_else(|| Raised::type_error("keywords must be strings"))?;
                        add(&mut arguments, &mut seen, &name.into(), value)?;
                    }
                }
            }
        }
        Ok(arguments)
    }

    /// Makes a function: defaults are evaluated, shared variables captured.
    pub(super) fn function(&self, frame: &Frame, code: &Rc<Code>) -> Outcome<Rc<Function>> {
        let mut parameters = Vec::with_capacity(code.parameters.len());
        for parameter in &code.parameters {
            let kind = match (parameter.positional_only, parameter.named_only) {
                (true, _) => ParameterKind::Positional,
                (_, true) => ParameterKind::Named,
                _ => ParameterKind::Either,
            };
            let default = parameter.default.as_ref().map(|default| self.evaluate(frame, default)).transpose()?;
            parameters.push(Parameter { name: Rc::clone(&parameter.name), kind, default });
        }
        let signature = Signature {
            name: Rc::clone(&code.name),
            parameters,
            rest: code.rest.clone(),
            keywords: code.keywords.clone(),
        };
        Ok(Rc::new(Function {
            code: Rc::clone(code),
            signature: Rc::new(signature),
            closure: frame.captured(code),
            globals: Rc::clone(&frame.globals),
            attributes: Names::new(),
            _charge: Charge::new(256 + 64 * code.parameters.len()),
        }))
    }

    /// `super()` in a method.
    fn bare_super(&self, frame: &Frame, slot: usize) -> Outcome {
        let class = frame.load(slot);
        let (Some(Value::Class(after)), Some(receiver)) = (class, frame.load(0)) else {
            return Err(Raised::new(ExceptionKind::RuntimeError, "super(): no arguments"));
        };
        self.make_super(&after, receiver)
    }

    /// `super(after, receiver)`.
    pub(super) fn make_super(&self, after: &Rc<Class>, receiver: Value) -> Outcome {
        let of = match &receiver {
            Value::Instance(instance) => Rc::clone(&instance.class),
            Value::Class(class) => Rc::clone(class),
            other => self.class_of(other),
        };
        if !of.is_derived_from(after) {
            let message = "super(type, obj): obj must be an instance or subtype of type";
            return Err(Raised::type_error(message).with_fact("the object is a", of.name.to_string()));
        }
        Ok(Value::Super(Rc::new(Super { after: Rc::clone(after), receiver, of })))
    }

    fn joined(&self, frame: &Frame, pieces: &[Piece]) -> Outcome<String> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Value { value, conversion, format } => {
                    let line = value.line;
                    let value = self.evaluate(frame, value)?;
                    let format = self.joined(frame, format)?;
                    frame.at(line);
                    let value = match conversion {
                        Some('r') => Value::from(self.repr(&value)?),
                        Some('a') => Value::from(ascii(&self.repr(&value)?)),
                        Some(_) => Value::from(self.display(&value)?),
                        None => value,
                    };
                    text.push_str(&self.format(&value, &format)?);
                }
            }
            self.room(text.len())?;
        }
        Ok(text)
    }

    fn comprehension(&self, outer: &Frame, code: &Rc<Code>, first: &Value) -> Outcome {
        let Body::Comprehension(inside) = &code.body else {
            unreachable!("the tree makes these of comprehensions only")
        };
        let frame = Frame::new(code, &outer.globals, &outer.captured(code));
        let mut walk = Walk::new(code, frame, self.iterate(first)?);
        match inside.collects {
            Collects::Generator => Ok(Value::iterator("generator", move |interpreter| {
                Ok(walk.next(interpreter)?.map(|(element, _)| element))
            })),
            Collects::List => {
                let mut items = Vec::new();
                while let Some((element, _)) = walk.next(self)? {
                    self.grow(&mut items, element)?;
                }
                Ok(Value::list(items))
            }
            Collects::Set => {
                let set = Set::of(Table::default(), false);
                while let Some((element, _)) = walk.next(self)? {
                    self.set_insert(&set, element)?;
                }
                Ok(Value::Set(set))
            }
            Collects::Dict => {
                let dict = Dict::of(Table::default());
                while let Some((key, value)) = walk.next(self)? {
                    self.dict_set(&dict, key, value.unwrap_or(Value::None))?;
                }
                Ok(Value::Dict(dict))
            }
        }
    }

    /// Appends to a vector that is not a value yet, within the memory limit.
    pub(super) fn grow(&self, items: &mut Vec<Value>, item: Value) -> Outcome<()> {
        if items.len() == items.capacity()
            && let Err(raised) = self.room_for(items.len().max(4) * 2, size_of::<Value>())
        {
            drop_nested(std::mem::take(items));
            return Err(raised);
        }
        items.push(item);
        Ok(())
    }
}

fn add(arguments: &mut Arguments, seen: &mut HashSet<Rc<str>>, name: &Rc<str>, value: Value) -> Outcome<()> {
    if !seen.insert(Rc::clone(name)) {
        return Err(Raised::type_error(format!("got multiple values for keyword argument '{name}'")));
    }
    arguments.named.push((Rc::clone(name), value));
    Ok(())
}

fn constant_value(constant: &Constant) -> Outcome {
    Ok(match constant {
        Constant::None => Value::None,
        Constant::Bool(truth) => Value::Bool(*truth),
        Constant::Ellipsis => Value::Ellipsis,
        Constant::Int(integer) => Value::Int(*integer),
        Constant::Float(number) => Value::Float(*number),
        Constant::Str(text) => Value::str(&**text),
        Constant::Large(text) => {
            return Err(Raised::new(ExceptionKind::OverflowError, format!("{text} does not fit into 64 bits"))
                .with_help("integers here have 64 bits; write it as a float where that will do"));
        }
    })
}
