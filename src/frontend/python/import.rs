//! `import`: modules that were handed in, and pages of those that were not.

use std::rc::Rc;

use super::{
    kinds::ExceptionKind,
    value::{Interpreter, Module, Outcome, Raised, Value},
};
use crate::frontend::lua::suggest::closest;

impl Interpreter {
    /// `import a.b`: the outermost module, or with `as` the innermost.
    pub(super) fn import(&self, name: &str, innermost: bool) -> Outcome {
        let module = self.find_module(name)?;
        if innermost {
            return Ok(Value::Module(module));
        }
        let first = name.split('.').next().unwrap_or(name);
        if first == name { Ok(Value::Module(module)) } else { self.find_module(first).map(Value::Module) }
    }

    /// `from module import name`.
    pub(super) fn import_name(&self, module: &str, name: &str) -> Outcome {
        let found = self.find_module(module)?;
        if let Some(value) = found.attributes.get(name) {
            return Ok(value);
        }
        let whole = format!("{module}.{name}");
        if let Some(inner) = self.modules.borrow().get(&whole) {
            return Ok(Value::Module(Rc::clone(inner)));
        }
        let names = found.attributes.list();
        let raised = Raised::new(ExceptionKind::ImportError, format!("cannot import name '{name}' from '{module}'"));
        let near = closest(name, names.iter().map(|name| &**name)).map(|near| format!("did you mean `{near}`?"));
        let help = [near.unwrap_or_default(), found.about.clone()];
        let help = help.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n");
        Err(if help.is_empty() { raised } else { raised.with_help(help) })
    }

    /// A module by its dotted name: registered, or an attribute of one that is.
    fn find_module(&self, name: &str) -> Outcome<Rc<Module>> {
        if let Some(module) = self.modules.borrow().get(name) {
            return Ok(Rc::clone(module));
        }
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default();
        let found = self.modules.borrow().get(first).cloned();
        let Some(mut module) = found else { return Err(self.no_module(name, first)) };
        for part in parts {
            match module.attributes.get(part) {
                Some(Value::Module(inner)) => module = inner,
                _ => {
                    let message = format!("No module named '{name}'");
                    let names = module.attributes.list();
                    let modules: Vec<&str> = names
                        .iter()
                        .filter(|name| matches!(module.attributes.get(name), Some(Value::Module(_))))
                        .map(|name| &**name)
                        .collect();
                    let raised = Raised::new(ExceptionKind::ModuleNotFoundError, message);
                    return Err(match closest(part, modules.iter().copied()) {
                        Some(near) => raised.with_help(format!("did you mean `{}.{near}`?", module.name)),
                        None => raised.with_help(module.about.clone()),
                    });
                }
            }
        }
        Ok(module)
    }

    fn no_module(&self, name: &str, first: &str) -> Raised {
        let modules = self.modules.borrow();
        let mut known: Vec<&str> = modules.keys().map(String::as_str).filter(|name| !name.contains('.')).collect();
        known.sort_unstable();
        let raised = Raised::new(ExceptionKind::ModuleNotFoundError, format!("No module named '{name}'"));
        let raised = raised.with_fact("there are", known.join(", "));
        match closest(first, known.iter().copied()) {
            Some(near) => raised.with_help(format!("did you mean `{near}`?")),
            None => raised
                .with_help("a network file reaches these modules only: take the import out, or what it is used for"),
        }
    }
}
