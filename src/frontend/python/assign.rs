//! Assignment and deletion of every kind of target.

use super::{
    frame::Frame,
    kinds::{Binary, ExceptionKind},
    tree::{Expression, Target, TargetKind},
    value::{Interpreter, Outcome, Raised, Value},
};

impl Interpreter {
    /// `target = value`.
    pub(super) fn assign(&self, frame: &Frame, target: &Target, value: Value) -> Outcome<()> {
        match &target.kind {
            TargetKind::Name(name, place) => {
                self.store(frame, name, *place, value);
                Ok(())
            }
            TargetKind::Attribute(object, name) => {
                let object = self.evaluate(frame, object)?;
                frame.at(target.line);
                self.set_attribute(&object, name, value)
            }
            TargetKind::Subscript(object, index) => {
                let object = self.evaluate(frame, object)?;
                let index = self.evaluate(frame, index)?;
                frame.at(target.line);
                self.set_item(&object, &index, value)
            }
            TargetKind::Sequence(targets, star) => {
                frame.at(target.line);
                self.deeper(|| self.unpack(frame, targets, *star, &value))
            }
        }
    }

    fn unpack(&self, frame: &Frame, targets: &[Target], star: Option<usize>, value: &Value) -> Outcome<()> {
        let iter = match self.iterate(value) {
            Err(raised) if raised.kind() == Some(ExceptionKind::TypeError) => {
                let message = format!("cannot unpack non-iterable {} object", value.type_name());
                return Err(Raised::type_error(message));
            }
            other => other?,
        };
        let most = if star.is_some() { usize::MAX } else { targets.len() };
        let mut items = Vec::new();
        while items.len() < most
            && let Some(item) = self.next(&iter)?
        {
            self.grow(&mut items, item)?;
            self.tick()?;
        }
        let wanted = targets.len() - usize::from(star.is_some());
        if items.len() < wanted {
            let least = if star.is_some() { "at least " } else { "" };
            let message = format!("not enough values to unpack (expected {least}{wanted}, got {})", items.len());
            return Err(Raised::value_error(message));
        }
        if star.is_none() && self.next(&iter)?.is_some() {
            return Err(Raised::value_error(format!("too many values to unpack (expected {wanted})")));
        }
        let spare = items.len() - wanted;
        let mut items = items.into_iter();
        for (at, target) in targets.iter().enumerate() {
            let value = if star == Some(at) {
                Value::list(items.by_ref().take(spare).collect())
            } else {
                items.next().unwrap_or(Value::None)
            };
            self.assign(frame, target, value)?;
        }
        Ok(())
    }

    /// `target op= value`: the parts of the target are evaluated once.
    pub(super) fn augment(&self, frame: &Frame, target: &Target, operator: Binary, value: &Expression) -> Outcome<()> {
        match &target.kind {
            TargetKind::Name(name, place) => {
                frame.at(target.line);
                let before = self.load(frame, name, *place)?;
                let value = self.evaluate(frame, value)?;
                frame.at(target.line);
                let after = self.in_place(operator, &before, &value)?;
                self.store(frame, name, *place, after);
                Ok(())
            }
            TargetKind::Attribute(object, name) => {
                let object = self.evaluate(frame, object)?;
                frame.at(target.line);
                let before = self.attribute(&object, name)?;
                let value = self.evaluate(frame, value)?;
                frame.at(target.line);
                let after = self.in_place(operator, &before, &value)?;
                self.set_attribute(&object, name, after)
            }
            TargetKind::Subscript(object, index) => {
                let object = self.evaluate(frame, object)?;
                let index = self.evaluate(frame, index)?;
                frame.at(target.line);
                let before = self.item(&object, &index)?;
                let value = self.evaluate(frame, value)?;
                frame.at(target.line);
                let after = self.in_place(operator, &before, &value)?;
                self.set_item(&object, &index, after)
            }
            TargetKind::Sequence(..) => Err(Raised::type_error("a tuple is not a target of this assignment")),
        }
    }

    /// `del target`.
    pub(super) fn delete_target(&self, frame: &Frame, target: &Target) -> Outcome<()> {
        frame.at(target.line);
        match &target.kind {
            TargetKind::Name(name, place) => self.delete(frame, name, *place),
            TargetKind::Attribute(object, name) => {
                let object = self.evaluate(frame, object)?;
                self.delete_attribute(&object, name)
            }
            TargetKind::Subscript(object, index) => {
                let object = self.evaluate(frame, object)?;
                let index = self.evaluate(frame, index)?;
                self.delete_item(&object, &index)
            }
            TargetKind::Sequence(targets, _) => targets.iter().try_for_each(|target| self.delete_target(frame, target)),
        }
    }
}
