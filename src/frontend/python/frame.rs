//! `Frame`: the variables of one running block, and where it stands.

use std::{cell::RefCell, rc::Rc};

use super::{
    running::Running,
    tree::{Code, Place},
    value::{Names, Value, Variable},
};

/// One variable.
pub(super) enum Slot {
    /// Not assigned yet.
    Empty,
    /// This block's own.
    Own(Value),
    /// Shared with nested blocks.
    Shared(Rc<Variable>),
}

/// The variables of one running block.
pub(super) struct Frame {
    pub(super) code: Rc<Code>,
    pub(super) running: Rc<Running>,
    pub(super) globals: Rc<Names>,
    /// The attributes of the class that is being defined.
    pub(super) class: Option<Rc<Names>>,
    slots: RefCell<Vec<Slot>>,
}

impl Frame {
    /// Variables of a block, the captured ones taken over.
    pub(super) fn new(code: &Rc<Code>, globals: &Rc<Names>, closure: &[Rc<Variable>]) -> Frame {
        let mut slots: Vec<Slot> = Vec::with_capacity(code.slots.len());
        slots.resize_with(code.captured_from, || Slot::Empty);
        for at in &code.shared {
            slots[*at] = Slot::Shared(Variable::new(None));
        }
        slots.extend(closure.iter().map(|variable| Slot::Shared(Rc::clone(variable))));
        let running = Rc::new(Running { code: Rc::clone(code), line: std::cell::Cell::new(code.line) });
        Frame { code: Rc::clone(code), running, globals: Rc::clone(globals), class: None, slots: RefCell::new(slots) }
    }

    /// Notes the line that runs.
    pub(super) fn at(&self, line: u32) {
        self.running.line.set(line);
    }

    /// The value in a slot.
    pub(super) fn load(&self, slot: usize) -> Option<Value> {
        match &self.slots.borrow()[slot] {
            Slot::Empty => None,
            Slot::Own(value) => Some(value.clone()),
            Slot::Shared(variable) => variable.value.borrow().clone(),
        }
    }

    /// Puts a value into a slot; `None` empties it.
    pub(super) fn store(&self, slot: usize, value: Option<Value>) {
        let mut slots = self.slots.borrow_mut();
        let before = match &mut slots[slot] {
            Slot::Shared(variable) => {
                let variable = Rc::clone(variable);
                drop(slots);
                // The borrow ends before the old value is dropped with the temporary.
                let before = variable.value.replace(value);
                drop(before);
                return;
            }
            own => std::mem::replace(own, value.map_or(Slot::Empty, Slot::Own)),
        };
        drop(slots);
        drop(before);
    }

    /// The variables that a nested block captures.
    pub(super) fn captured(&self, code: &Code) -> Vec<Rc<Variable>> {
        let slots = self.slots.borrow();
        let captured = code.captures.iter().map(|at| match &slots[*at] {
            Slot::Shared(variable) => Rc::clone(variable),
            _ => unreachable!("the tree lists every captured slot among the shared ones"),
        });
        captured.collect()
    }

    /// What a page calls the kind of place where a name was not found.
    pub(super) fn is_own(&self, place: Place) -> bool {
        matches!(place, Place::Slot(slot) if slot < self.code.captured_from)
    }
}
