//! Scopes: unique names of operations, and variable scopes with reuse and counted default names, by TensorFlow 1.x's rules.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::state::{Before, Fields, Graph, Initializer, Names, Regularizer, Reuse, ScopeGuard, Scopes, VariableScope};
use crate::error::{Error, Kind, Result};

/// What names of scopes and operations are made of, for a page.
pub const SCOPE_NAMES: &str = "letters, digits, and the signs _ . - / make a scope";

/// Whether scopes and operations may have this name.
#[must_use]
pub fn is_scope_name(name: &str) -> bool {
    name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-/".contains(letter))
}

impl Names {
    /// The open scope, `` or `a/b/`.
    pub(super) fn current(&self) -> &str {
        &self.current
    }

    /// `name` in the open scope, with `_1`, `_2` … when it is taken. TensorFlow compares without case.
    pub(super) fn unique(&mut self, name: &str) -> String {
        let full = format!("{}{name}", self.current);
        let key = full.to_lowercase();
        let count = self.used.entry(key).or_insert(0);
        *count += 1;
        if *count == 1 {
            return full;
        }
        let mut number = *count - 1;
        loop {
            let tried = format!("{full}_{number}");
            if let std::collections::hash_map::Entry::Vacant(free) = self.used.entry(tried.to_lowercase()) {
                free.insert(1);
                return tried;
            }
            number += 1;
        }
    }

    /// Opens a scope: a name that ends with `/` is one that was open before. The scope that was open until now.
    fn open(&mut self, name: &str) -> String {
        let opened = match name {
            "" => String::new(),
            name if name.ends_with('/') => name.to_string(),
            name => format!("{}/", self.unique(name)),
        };
        std::mem::replace(&mut self.current, opened)
    }
}

impl VariableScope {
    fn new(fields: Fields) -> VariableScope {
        VariableScope(Rc::new(RefCell::new(fields)))
    }

    /// `model/fc1`, `` for the root.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.borrow().name.clone()
    }

    /// The name scope of its operations, such as `train/model/fc1/`.
    #[must_use]
    pub fn name_scope(&self) -> String {
        self.0.borrow().name_scope.clone()
    }

    /// Whether variables exist already.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        self.0.borrow().reuse
    }

    /// `reuse_variables()`
    pub fn reuse_variables(&self) {
        self.0.borrow_mut().reuse = Reuse::Reuse;
    }

    /// What `get_variable` uses when it is given no initializer.
    #[must_use]
    pub fn initializer(&self) -> Option<Initializer> {
        self.0.borrow().initializer.clone()
    }

    /// Sets the default initializer.
    pub fn set_initializer(&self, initializer: Option<Initializer>) {
        self.0.borrow_mut().initializer = initializer;
    }

    /// What `get_variable` uses when it is given no regularizer.
    #[must_use]
    pub fn regularizer(&self) -> Option<Regularizer> {
        self.0.borrow().regularizer.clone()
    }

    /// Sets the default regularizer.
    pub fn set_regularizer(&self, regularizer: Option<Regularizer>) {
        self.0.borrow_mut().regularizer = regularizer;
    }
}

impl Default for Scopes {
    fn default() -> Self {
        let root = Fields {
            name: String::new(),
            name_scope: String::new(),
            reuse: Reuse::Create,
            initializer: None,
            regularizer: None,
        };
        Scopes { names: Names::default(), variable_scope: VariableScope::new(root), counts: HashMap::new() }
    }
}

impl Scopes {
    fn open_counted(&mut self, name: &str) {
        *self.counts.entry(name.to_string()).or_insert(0) += 1;
    }

    /// Default names below a scope start again when it is left.
    fn close_below(&mut self, name: &str) {
        let prefix = format!("{name}/");
        self.counts.iter_mut().filter(|(key, _)| key.starts_with(&prefix)).for_each(|(_, count)| *count = 0);
    }

    /// `default`, or `default_1` … when a scope of that name was opened here before.
    fn default_name(&self, default: &str) -> String {
        let here = self.variable_scope.name();
        let full = |name: &str| if here.is_empty() { name.to_string() } else { format!("{here}/{name}") };
        let free = |name: &str| self.counts.get(&full(name)).copied().unwrap_or(0) == 0;
        if free(default) {
            return default.to_string();
        }
        (1..).map(|i| format!("{default}_{i}")).find(|name| free(name)).unwrap_or_default()
    }
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        self.graph.with_mut(|state| {
            let scopes = &mut state.scopes;
            scopes.names.current = std::mem::take(&mut self.names_before);
            if let Some(before) = self.variables.take() {
                scopes.close_below(&before.opened);
                if let Some(counts) = before.counts {
                    scopes.counts = counts;
                }
                scopes.variable_scope = before.scope;
            }
        });
    }
}

/// What `tf.variable_scope` is opened with.
pub enum Opened<'a> {
    /// By name below the current one.
    Named(&'a str),
    /// By name, or this default made unique.
    Default(&'a str),
    /// One that exists.
    Again(&'a VariableScope),
}

impl Graph {
    /// Opens a scope of names until the guard is dropped.
    #[must_use]
    pub fn name_scope(&self, name: &str) -> ScopeGuard {
        let names_before = self.with_mut(|state| state.scopes.names.open(name));
        ScopeGuard { graph: self.clone(), names_before, variables: None }
    }

    /// The open scope of names: `` or `a/b/`.
    #[must_use]
    pub fn current_name_scope(&self) -> String {
        self.with(|state| state.scopes.names.current.clone())
    }

    /// The open variable scope.
    #[must_use]
    pub fn variable_scope(&self) -> VariableScope {
        self.with(|state| state.scopes.variable_scope.clone())
    }

    /// Opens a variable scope, and a scope of names with it, until the guard is dropped. `reuse` `None` keeps what the
    /// scope around it has.
    ///
    /// # Errors
    /// `Kind::Argument` when the name cannot be one.
    pub fn open_variable_scope(
        &self,
        opened: &Opened<'_>,
        reuse: Option<Reuse>,
    ) -> Result<(VariableScope, ScopeGuard)> {
        if let Opened::Named(name) | Opened::Default(name) = opened
            && (name.is_empty() || !is_scope_name(name))
        {
            return Err(self.placed(
                Error::new(Kind::Argument, format!("'{name}' is not a valid scope name")).with_help(SCOPE_NAMES),
            ));
        }
        Ok(self.with_mut(|state| {
            let scopes = &mut state.scopes;
            let before = scopes.variable_scope.clone();
            let outer = before.0.borrow().clone();
            let (fields, last, counts) = match opened {
                Opened::Again(scope) => {
                    let fields = scope.0.borrow().clone();
                    let last = fields.name.rsplit('/').next().unwrap_or_default().to_string();
                    (fields, last, Some(scopes.counts.clone()))
                }
                Opened::Named(name) | Opened::Default(name) => {
                    let default = matches!(opened, Opened::Default(_));
                    let name = if default { scopes.default_name(name) } else { (*name).to_string() };
                    let full = if outer.name.is_empty() { name.clone() } else { format!("{}/{name}", outer.name) };
                    (Fields { name: full, ..outer.clone() }, name, None)
                }
            };
            scopes.open_counted(&fields.name);
            let names_before = scopes.names.open(&last);
            let inherited = if outer.reuse == Reuse::Create { fields.reuse } else { outer.reuse };
            let reuse = match reuse {
                Some(Reuse::Create) | None => inherited,
                Some(reuse) => reuse,
            };
            let name_scope = scopes.names.current.clone();
            let opened_name = fields.name.clone();
            let scope = VariableScope::new(Fields { name_scope, reuse, ..fields });
            scopes.variable_scope = scope.clone();
            let variables = Some(Before { scope: before, opened: opened_name, counts });
            (scope, ScopeGuard { graph: self.clone(), names_before, variables })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_count_and_start_again() {
        let graph = Graph::new(1);
        let name = |graph: &Graph, opened: &Opened<'_>| graph.open_variable_scope(opened, None).unwrap().0.name();
        for _ in 0..2 {
            let (scope, _guard) = graph.open_variable_scope(&Opened::Named("model"), None).unwrap();
            assert_eq!(scope.name(), "model");
            assert_eq!(name(&graph, &Opened::Default("Conv")), "model/Conv");
            assert_eq!(name(&graph, &Opened::Default("Conv")), "model/Conv_1");
            assert_eq!(name(&graph, &Opened::Named("fc")), "model/fc");
            assert_eq!(name(&graph, &Opened::Default("fc")), "model/fc_1");
        }
        // Names of operations go on counting.
        let (scope, _guard) = graph.open_variable_scope(&Opened::Named("model"), None).unwrap();
        assert_eq!(scope.name_scope(), "model_2/");
    }

    #[test]
    fn reuse_is_inherited() {
        let graph = Graph::new(1);
        let (outer, guard) = graph.open_variable_scope(&Opened::Named("a"), Some(Reuse::Reuse)).unwrap();
        let (inner, inner_guard) = graph.open_variable_scope(&Opened::Named("b"), None).unwrap();
        assert_eq!((inner.name().as_str(), inner.reuse()), ("a/b", Reuse::Reuse));
        drop(inner_guard);
        drop(guard);
        assert_eq!(graph.variable_scope().name(), "");
        let (again, _guard) = graph.open_variable_scope(&Opened::Again(&outer), None).unwrap();
        assert_eq!((again.name().as_str(), again.reuse()), ("a", Reuse::Reuse));
    }
}
