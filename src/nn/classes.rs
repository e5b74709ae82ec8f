//! The classes that network files can construct, found by their names.

use super::{criteria, modules, spec::Spec};

/// The spec of a class, by any of its names.
#[must_use]
pub fn spec(class: &str) -> Option<&'static Spec> {
    specs().find(|spec| spec.classes.contains(&class))
}

/// Every class that network files can construct.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    modules::REGISTRY.iter().chain(criteria::REGISTRY).flat_map(|specs| specs.iter())
}
