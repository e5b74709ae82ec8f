//! `Walk`: the loops of a comprehension, one element at a time.

use std::rc::Rc;

use super::{
    frame::Frame,
    tree::{Body, Code, Comprehension},
    value::{Interpreter, Iter, Outcome, Value},
};

/// A comprehension that runs: the iterators of the clauses that are open, outermost first.
pub(super) struct Walk {
    code: Rc<Code>,
    frame: Frame,
    open: Vec<Rc<Iter>>,
}

impl Walk {
    /// Before the first element; `first` walks the outermost clause.
    pub(super) fn new(code: &Rc<Code>, frame: Frame, first: Rc<Iter>) -> Walk {
        Walk { code: Rc::clone(code), frame, open: vec![first] }
    }

    /// The next element, with its value for a dict; `None` at the end.
    pub(super) fn next(&mut self, interpreter: &Interpreter) -> Outcome<Option<(Value, Option<Value>)>> {
        let code = Rc::clone(&self.code);
        let running = Rc::clone(&self.frame.running);
        let Body::Comprehension(inside) = &code.body else { unreachable!("a walk is made of comprehensions only") };
        interpreter.within(&running, || self.advance(interpreter, inside))
    }

    fn advance(
        &mut self,
        interpreter: &Interpreter,
        inside: &Comprehension,
    ) -> Outcome<Option<(Value, Option<Value>)>> {
        'items: while let Some(level) = self.open.len().checked_sub(1) {
            interpreter.tick()?;
            let clause = &inside.clauses[level];
            let Some(item) = interpreter.next(&self.open[level])? else {
                self.open.pop();
                continue;
            };
            self.frame.at(clause.target.line);
            interpreter.assign(&self.frame, &clause.target, item)?;
            for condition in &clause.conditions {
                let holds = interpreter.evaluate(&self.frame, condition)?;
                if !interpreter.truth(&holds)? {
                    continue 'items;
                }
            }
            match inside.clauses.get(level + 1).and_then(|clause| clause.iterable.as_ref()) {
                Some(iterable) => {
                    let walked = interpreter.evaluate(&self.frame, iterable)?;
                    self.open.push(interpreter.iterate(&walked)?);
                }
                None => {
                    let element = interpreter.evaluate(&self.frame, &inside.element)?;
                    let value =
                        inside.value.as_ref().map(|value| interpreter.evaluate(&self.frame, value)).transpose()?;
                    return Ok(Some((element, value)));
                }
            }
        }
        Ok(None)
    }
}
