//! Runs statements.

use std::rc::Rc;

use super::{
    frame::Frame,
    kinds::ExceptionKind,
    tree::{Body, Code, Expression, Handler, Statement, StatementKind as Kind, Target},
    value::{Arguments, Interpreter, Outcome, Raised, Value},
};

/// How a row of statements ended.
pub(super) enum Flow {
    /// At its end.
    Next,
    /// At a `break`.
    Break,
    /// At a `continue`.
    Continue,
    /// At a `return`.
    Return(Value),
}

impl Interpreter {
    /// Runs a file.
    pub(super) fn run_module(&self, code: &Rc<Code>) -> Outcome<()> {
        let frame = Frame::new(code, &self.globals, &[]);
        let running = Rc::clone(&frame.running);
        if let Some(doc) = &code.doc {
            self.globals.set("__doc__", Value::str(&**doc));
        }
        self.within(&running, || self.body(&frame, code)).map(|_| ())
    }

    /// Runs the statements of a block.
    pub(super) fn body(&self, frame: &Frame, code: &Code) -> Outcome<Value> {
        match &code.body {
            Body::Statements(statements) => match self.statements(frame, statements)? {
                Flow::Return(value) => Ok(value),
                _ => Ok(Value::None),
            },
            Body::Expression(expression) => self.evaluate(frame, expression),
            Body::Comprehension(_) => unreachable!("comprehensions are walked"),
        }
    }

    fn statements(&self, frame: &Frame, statements: &[Statement]) -> Outcome<Flow> {
        for statement in statements {
            self.tick()?;
            frame.at(statement.line);
            match self.statement(frame, statement)? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&self, frame: &Frame, statement: &Statement) -> Outcome<Flow> {
        match &statement.kind {
            Kind::Expression(expression) => {
                self.evaluate(frame, expression)?;
            }
            Kind::Assign(targets, value) => {
                let value = self.evaluate(frame, value)?;
                for target in targets {
                    self.assign(frame, target, value.clone())?;
                }
            }
            Kind::Augmented(target, operator, value) => self.augment(frame, target, *operator, value)?,
            Kind::Delete(targets) => targets.iter().try_for_each(|target| self.delete_target(frame, target))?,
            Kind::Return(None) => return Ok(Flow::Return(Value::None)),
            Kind::Return(Some(value)) => return self.evaluate(frame, value).map(Flow::Return),
            Kind::Raise(exception, cause) => {
                return Err(self.raise(frame, exception.as_ref(), cause.as_ref(), statement.line)?);
            }
            Kind::Assert(test, message) => self.assert(frame, test, message.as_ref())?,
            Kind::If(branches, otherwise) => {
                for (test, body) in branches {
                    let holds = self.evaluate(frame, test)?;
                    frame.at(test.line);
                    if self.truth(&holds)? {
                        return self.deeper(|| self.statements(frame, body));
                    }
                }
                return self.deeper(|| self.statements(frame, otherwise));
            }
            Kind::While(test, body, otherwise) => loop {
                self.tick()?;
                let holds = self.evaluate(frame, test)?;
                frame.at(test.line);
                if !self.truth(&holds)? {
                    return self.deeper(|| self.statements(frame, otherwise));
                }
                match self.deeper(|| self.statements(frame, body))? {
                    Flow::Next | Flow::Continue => {}
                    Flow::Break => return Ok(Flow::Next),
                    back @ Flow::Return(_) => return Ok(back),
                }
            },
            Kind::For(target, iterable, body, otherwise) => {
                let iterable = self.evaluate(frame, iterable)?;
                frame.at(statement.line);
                let iter = self.iterate(&iterable)?;
                drop(iterable);
                while let Some(item) = self.next(&iter)? {
                    self.tick()?;
                    self.assign(frame, target, item)?;
                    match self.deeper(|| self.statements(frame, body))? {
                        Flow::Next | Flow::Continue => {}
                        Flow::Break => return Ok(Flow::Next),
                        back @ Flow::Return(_) => return Ok(back),
                    }
                    frame.at(statement.line);
                }
                return self.deeper(|| self.statements(frame, otherwise));
            }
            Kind::With(items, body) => return self.with(frame, items, body),
            Kind::Try(body, handlers, otherwise, last) => return self.attempt(frame, body, handlers, otherwise, last),
            Kind::Function(target, code, decorators) => {
                let decorators = self.evaluate_all(frame, decorators)?;
                let function = Value::Function(self.function(frame, code)?);
                self.decorate(frame, target, decorators, function)?;
            }
            Kind::Class(target, arguments, code, decorators) => {
                let decorators = self.evaluate_all(frame, decorators)?;
                let arguments = self.arguments(frame, arguments)?;
                frame.at(statement.line);
                let class = self.define_class(frame, arguments, code)?;
                self.decorate(frame, target, decorators, class)?;
            }
            Kind::Import(name, target, innermost) => {
                let module = self.import(name, *innermost)?;
                self.assign(frame, target, module)?;
            }
            Kind::ImportFrom(module, names) => {
                for (name, target) in names {
                    let value = self.import_name(module, name)?;
                    self.assign(frame, target, value)?;
                }
            }
            Kind::ImportAll(module) => {
                let Value::Module(module) = self.import(module, true)? else { return Ok(Flow::Next) };
                for name in module.attributes.list().iter().filter(|name| !name.starts_with('_')) {
                    if let Some(value) = module.attributes.get(name) {
                        frame.globals.set(name, value);
                    }
                }
            }
            Kind::Nothing => {}
            Kind::Break => return Ok(Flow::Break),
            Kind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn evaluate_all(&self, frame: &Frame, expressions: &[Expression]) -> Outcome<Vec<Value>> {
        expressions.iter().map(|expression| self.evaluate(frame, expression)).collect()
    }

    fn decorate(&self, frame: &Frame, target: &Target, decorators: Vec<Value>, mut value: Value) -> Outcome<()> {
        for decorator in decorators.into_iter().rev() {
            frame.at(target.line);
            value = self.call(&decorator, Arguments::of(vec![value]))?;
        }
        self.assign(frame, target, value)
    }

    fn assert(&self, frame: &Frame, test: &Expression, message: Option<&Expression>) -> Outcome<()> {
        let holds = self.evaluate(frame, test)?;
        frame.at(test.line);
        if self.truth(&holds)? {
            return Ok(());
        }
        let words = match message {
            Some(message) => {
                let message = self.evaluate(frame, message)?;
                self.display(&message)?
            }
            None => String::new(),
        };
        frame.at(test.line);
        Err(Raised::new(ExceptionKind::AssertionError, words))
    }

    fn with(&self, frame: &Frame, items: &[(Expression, Option<Target>)], body: &[Statement]) -> Outcome<Flow> {
        let Some(((context, target), rest)) = items.split_first() else {
            return self.deeper(|| self.statements(frame, body));
        };
        let manager = self.evaluate(frame, context)?;
        frame.at(context.line);
        let entered = self.enter(&manager)?;
        let inside = || {
            if let Some(target) = target {
                self.assign(frame, target, entered)?;
            }
            self.deeper(|| self.with(frame, rest, body))
        };
        match inside() {
            Ok(flow) => {
                let line = frame.running.line.get();
                self.exit(&manager, None)?;
                frame.at(line);
                Ok(flow)
            }
            Err(raised) => {
                let line = frame.running.line.get();
                let (raised, handled) = self.exit_after(&manager, raised)?;
                frame.at(line);
                if handled { Ok(Flow::Next) } else { Err(raised) }
            }
        }
    }

    fn attempt(
        &self,
        frame: &Frame,
        body: &[Statement],
        handlers: &[Handler],
        otherwise: &[Statement],
        last: &[Statement],
    ) -> Outcome<Flow> {
        let outcome = match self.deeper(|| self.statements(frame, body)) {
            Ok(Flow::Next) => self.deeper(|| self.statements(frame, otherwise)),
            Err(raised) if !raised.is_end() => self.deeper(|| self.handle(frame, handlers, raised)),
            other => other,
        };
        if matches!(&outcome, Err(raised) if raised.is_end()) || last.is_empty() {
            return outcome;
        }
        let line = frame.running.line.get();
        match self.deeper(|| self.statements(frame, last))? {
            Flow::Next => {
                frame.at(line);
                outcome
            }
            // A `return` or `break` in `finally` swallows what was on its way.
            other => Ok(other),
        }
    }

    fn handle(&self, frame: &Frame, handlers: &[Handler], mut raised: Raised) -> Outcome<Flow> {
        let line = frame.running.line.get();
        let value = self.caught(&mut raised);
        for handler in handlers {
            if let Some(types) = &handler.types {
                let types = self.evaluate(frame, types)?;
                frame.at(handler.line);
                if !self.matches_exception(&value, &types)? {
                    continue;
                }
            }
            if let Some(name) = &handler.name {
                self.assign(frame, name, value)?;
            }
            // The place where it was raised, for a later bare `raise`.
            raised = self.here(raised, frame, line);
            self.handling.borrow_mut().push(raised);
            let outcome = self.statements(frame, &handler.body);
            let handled = self.handling.borrow_mut().pop();
            let outcome = outcome.map_err(|later| match &handled {
                Some(handled) => self.while_handling(later, handled),
                None => later,
            });
            if let Some(name) = &handler.name
                && !matches!(&outcome, Err(raised) if raised.is_end())
            {
                let _ = self.delete_target(frame, name);
            }
            return outcome;
        }
        frame.at(line);
        Err(raised)
    }
}
