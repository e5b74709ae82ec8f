//! Which block a name belongs to: bound names are collected before a block is lowered, then each use finds its place.

use std::{collections::HashSet, rc::Rc};

use rustpython_ruff_python_ast::{
    Alias, Comprehension, ExceptHandler, Expr, ExprContext, Stmt,
    visitor::{Visitor, walk_except_handler, walk_expr, walk_stmt},
};

use super::lowering::{Lowering, Scope};
use crate::{
    error::Result,
    frontend::python::tree::{Block, Place},
};

/// The names that a block binds.
#[derive(Default)]
pub(super) struct Bound {
    pub(super) names: Vec<Rc<str>>,
    pub(super) globals: HashSet<Rc<str>>,
    pub(super) nonlocals: HashSet<Rc<str>>,
    /// Inside a comprehension only `:=` binds in the block around it.
    comprehensions: usize,
    /// The class whose private names are meant.
    class: Option<Rc<str>>,
}

impl Bound {
    pub(super) fn of(body: &[Stmt], class: Option<&Rc<str>>) -> Bound {
        let mut bound = Bound { class: class.cloned(), ..Bound::default() };
        body.iter().for_each(|statement| bound.visit_stmt(statement));
        bound
    }

    /// As [`Bound::of`], of a lambda's expression.
    pub(super) fn of_expression(expression: &Expr, class: Option<&Rc<str>>) -> Bound {
        let mut bound = Bound { class: class.cloned(), ..Bound::default() };
        bound.visit_expr(expression);
        bound
    }

    /// The names that the targets of a comprehension bind.
    pub(super) fn of_targets(generators: &[Comprehension], class: Option<&Rc<str>>) -> Vec<Rc<str>> {
        let mut bound = Bound { class: class.cloned(), ..Bound::default() };
        generators.iter().for_each(|generator| bound.visit_expr(&generator.target));
        bound.names
    }

    fn bind(&mut self, name: &str) {
        let name = private(name, self.class.as_ref());
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }
}

impl<'a> Visitor<'a> for Bound {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.bind(&function.name);
                function.decorator_list.iter().for_each(|decorator| self.visit_expr(&decorator.expression));
                let parameters = function.parameters.iter_non_variadic_params();
                parameters.filter_map(|parameter| parameter.default.as_deref()).for_each(|it| self.visit_expr(it));
            }
            Stmt::ClassDef(class) => {
                self.bind(&class.name);
                class.decorator_list.iter().for_each(|decorator| self.visit_expr(&decorator.expression));
                class.arguments.iter().for_each(|arguments| self.visit_arguments(arguments));
            }
            Stmt::Global(global) => self.globals.extend(global.names.iter().map(|name| Rc::from(name.as_str()))),
            Stmt::Nonlocal(nonlocal) => {
                self.nonlocals.extend(nonlocal.names.iter().map(|name| Rc::from(name.as_str())));
            }
            other => walk_stmt(self, other),
        }
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if name.ctx != ExprContext::Load && self.comprehensions == 0 => self.bind(&name.id),
            Expr::Named(named) => {
                if let Expr::Name(name) = &*named.target {
                    self.bind(&name.id);
                }
                self.visit_expr(&named.value);
            }
            Expr::Lambda(lambda) => {
                let parameters = lambda.parameters.iter().flat_map(|all| all.iter_non_variadic_params());
                parameters.filter_map(|parameter| parameter.default.as_deref()).for_each(|it| self.visit_expr(it));
            }
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehensions += 1;
                walk_expr(self, expression);
                self.comprehensions -= 1;
            }
            other => walk_expr(self, other),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(except) = handler;
        if let Some(name) = &except.name {
            self.bind(name);
        }
        walk_except_handler(self, handler);
    }

    fn visit_alias(&mut self, alias: &'a Alias) {
        match &alias.asname {
            Some(name) => self.bind(name),
            None => self.bind(alias.name.split('.').next().unwrap_or_default()),
        }
    }
}

/// `__name` inside a class is `_Class__name`.
pub(super) fn private(name: &str, class: Option<&Rc<str>>) -> Rc<str> {
    match class {
        Some(class) if name.starts_with("__") && !name.ends_with("__") => {
            format!("_{}{name}", class.trim_start_matches('_')).into()
        }
        _ => name.into(),
    }
}

impl Lowering {
    /// Opens a block. `own` are the names of its slots, parameters first.
    pub(super) fn open(&mut self, block: Block, name: &str, own: Vec<Rc<str>>, bound: &Bound) {
        let outer = self.scopes.last();
        let prefix = match (outer, block) {
            (None, _) => String::new(),
            (Some(outer), Block::Function) => format!("{}{name}.<locals>.", outer.prefix),
            (Some(outer), Block::Class) => format!("{}{name}.", outer.prefix),
            (Some(outer), _) => outer.prefix.clone(),
        };
        let class = if block == Block::Class { Some(name.into()) } else { outer.and_then(|outer| outer.class.clone()) };
        let mut scope = Scope {
            block,
            prefix,
            class,
            own: own.len(),
            slots: own,
            shared: HashSet::new(),
            captures: Vec::new(),
            class_names: HashSet::new(),
            globals: bound.globals.clone(),
            loops: 0,
        };
        if block == Block::Class {
            scope.class_names = bound.names.iter().cloned().collect();
        }
        self.scopes.push(scope);
    }

    /// Where a name lives that the innermost block uses.
    pub(super) fn place(&mut self, name: &str) -> Place {
        let level = self.scopes.len() - 1;
        let scope = &self.scopes[level];
        match scope.block {
            Block::Module => Place::Global,
            _ if scope.globals.contains(name) => Place::Global,
            Block::Class if scope.class_names.contains(name) => Place::Class,
            Block::Class => self.capture(level, name).map_or(Place::Global, Place::Slot),
            Block::Function | Block::Comprehension => self.slot(level, name).map_or(Place::Global, Place::Slot),
        }
    }

    /// The slot of a name in the block at `level`, captured from the blocks around it when it is not its own.
    fn slot(&mut self, level: usize, name: &str) -> Option<usize> {
        let scope = &self.scopes[level];
        if scope.block == Block::Module || scope.globals.contains(name) {
            return None;
        }
        match scope.slots.iter().position(|slot| **slot == *name) {
            Some(at) => Some(at),
            None => self.capture(level, name),
        }
    }

    fn capture(&mut self, level: usize, name: &str) -> Option<usize> {
        let scope = &self.scopes[level];
        if let Some(at) = scope.slots[scope.own..].iter().position(|slot| **slot == *name) {
            return Some(scope.own + at);
        }
        let outer = level.checked_sub(1)?;
        let at = match self.scopes[outer].block {
            // The names of a class are not seen by the functions in it, except the class itself.
            Block::Class if name == "__class__" => 0,
            Block::Class => self.capture(outer, name)?,
            _ => self.slot(outer, name)?,
        };
        if at < self.scopes[outer].own {
            self.scopes[outer].shared.insert(at);
        }
        let scope = &mut self.scopes[level];
        scope.captures.push(at);
        scope.slots.push(name.into());
        Some(scope.slots.len() - 1)
    }

    /// Makes sure that the names a block declares `nonlocal` exist around it.
    pub(super) fn check_nonlocals(&mut self, statement: &Stmt) -> Result<()> {
        let Stmt::Nonlocal(nonlocal) = statement else { return Ok(()) };
        for name in &nonlocal.names {
            let level = self.scopes.len() - 1;
            if self.scopes[level].block == Block::Module || self.slot(level, name).is_none() {
                return Err(self.syntax_error(nonlocal, &format!("no binding for nonlocal '{name}' found")));
            }
        }
        Ok(())
    }
}
