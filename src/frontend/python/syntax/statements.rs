//! Statements: from the parser's nodes to ours.

use std::{collections::HashSet, rc::Rc};

use rustpython_ruff_python_ast::{ExceptHandler, Expr, Identifier, Stmt, StmtClassDef, StmtFunctionDef, StmtTry};

use super::{
    expressions::{operator, slots},
    lowering::Lowering,
    scopes::Bound,
};
use crate::{
    error::Result,
    frontend::python::tree::{
        Block, Body, Code, Expression, ExpressionKind, Handler, Statement, StatementKind as Kind, Target, TargetKind,
    },
};

impl Lowering {
    /// A whole file.
    pub(super) fn module(mut self, body: &[Stmt]) -> Result<Rc<Code>> {
        self.open(Block::Module, "<module>", Vec::new(), &Bound::default());
        let statements = Body::Statements(self.statements(body)?);
        Ok(self.close("<module>", 1, (Vec::new(), None, None), docstring(body), statements))
    }

    fn statements(&mut self, body: &[Stmt]) -> Result<Vec<Statement>> {
        body.iter().map(|statement| self.statement(statement)).collect()
    }

    fn statement(&mut self, node: &Stmt) -> Result<Statement> {
        let line = self.line(node);
        let kind = match node {
            Stmt::Expr(statement) => Kind::Expression(self.expression(&statement.value)?),
            Stmt::Assign(assign) => {
                let value = self.expression(&assign.value)?;
                Kind::Assign(assign.targets.iter().map(|target| self.target(target)).collect::<Result<_>>()?, value)
            }
            Stmt::AugAssign(assign) => {
                let target = self.target(&assign.target)?;
                Kind::Augmented(target, operator(assign.op), self.expression(&assign.value)?)
            }
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => {
                    let value = self.expression(value)?;
                    Kind::Assign(vec![self.target(&assign.target)?], value)
                }
                None => Kind::Nothing,
            },
            Stmt::Delete(delete) => {
                Kind::Delete(delete.targets.iter().map(|target| self.target(target)).collect::<Result<_>>()?)
            }
            Stmt::Return(_) if !self.is_in_function() => {
                return Err(self.syntax_error(node, "'return' outside function"));
            }
            Stmt::Return(back) => Kind::Return(self.optional(back.value.as_deref())?),
            Stmt::Raise(raise) => {
                Kind::Raise(self.optional(raise.exc.as_deref())?, self.optional(raise.cause.as_deref())?)
            }
            Stmt::Assert(assert) => Kind::Assert(self.expression(&assert.test)?, self.optional(assert.msg.as_deref())?),
            Stmt::If(choice) => {
                let mut branches = vec![(self.expression(&choice.test)?, self.statements(&choice.body)?)];
                let mut otherwise = Vec::new();
                for clause in &choice.elif_else_clauses {
                    match &clause.test {
                        Some(test) => branches.push((self.expression(test)?, self.statements(&clause.body)?)),
                        None => otherwise = self.statements(&clause.body)?,
                    }
                }
                Kind::If(branches, otherwise)
            }
            Stmt::While(cycle) => {
                let test = self.expression(&cycle.test)?;
                let body = self.looped(&cycle.body)?;
                Kind::While(test, body, self.statements(&cycle.orelse)?)
            }
            Stmt::For(cycle) if cycle.is_async => return Err(self.unsupported(node, "`async`", "take the word out")),
            Stmt::For(cycle) => {
                let iterable = self.expression(&cycle.iter)?;
                let target = self.target(&cycle.target)?;
                let body = self.looped(&cycle.body)?;
                Kind::For(target, iterable, body, self.statements(&cycle.orelse)?)
            }
            Stmt::With(with) if with.is_async => return Err(self.unsupported(node, "`async`", "take the word out")),
            Stmt::With(with) => {
                let mut items = Vec::new();
                for item in &with.items {
                    let context = self.expression(&item.context_expr)?;
                    let target = item.optional_vars.as_deref().map(|target| self.target(target)).transpose()?;
                    items.push((context, target));
                }
                Kind::With(items, self.statements(&with.body)?)
            }
            Stmt::Try(attempt) => self.attempt(attempt)?,
            Stmt::FunctionDef(function) => return self.function(function),
            Stmt::ClassDef(class) => return self.class_definition(class),
            Stmt::Import(import) => return self.import(line, import),
            Stmt::ImportFrom(import) => {
                if import.level > 0 {
                    return Err(self.unsupported(node, "a relative import", "paste what it imports into this file"));
                }
                let module: Rc<str> = import.module.as_ref().map_or("", Identifier::as_str).into();
                if import.names.iter().any(|alias| alias.name.as_str() == "*") {
                    Kind::ImportAll(module)
                } else {
                    let mut names = Vec::new();
                    for alias in &import.names {
                        let target = self.named(line, alias.asname.as_ref().unwrap_or(&alias.name));
                        names.push((alias.name.as_str().into(), target));
                    }
                    Kind::ImportFrom(module, names)
                }
            }
            Stmt::Nonlocal(_) => {
                self.check_nonlocals(node)?;
                Kind::Nothing
            }
            Stmt::Global(_) | Stmt::Pass(_) => Kind::Nothing,
            Stmt::Break(_) | Stmt::Continue(_) if !self.is_in_loop() => {
                let word = if matches!(node, Stmt::Break(_)) { "'break'" } else { "'continue'" };
                return Err(self.syntax_error(node, &format!("{word} outside loop")));
            }
            Stmt::Break(_) => Kind::Break,
            Stmt::Continue(_) => Kind::Continue,
            Stmt::Match(_) => return Err(self.unsupported(node, "`match`", "write if and elif")),
            Stmt::TypeAlias(_) => return Err(self.unsupported(node, "`type`", "take this line out")),
            Stmt::IpyEscapeCommand(_) => {
                return Err(self.unsupported(node, "a command of IPython", "take this line out"));
            }
        };
        Ok(Statement { line, kind })
    }

    fn is_in_function(&self) -> bool {
        self.scopes.last().is_some_and(|scope| scope.block == Block::Function)
    }

    fn is_in_loop(&self) -> bool {
        self.scopes.last().is_some_and(|scope| scope.loops > 0)
    }

    fn looped(&mut self, body: &[Stmt]) -> Result<Vec<Statement>> {
        let level = self.scopes.len() - 1;
        self.scopes[level].loops += 1;
        let statements = self.statements(body);
        self.scopes[level].loops -= 1;
        statements
    }

    fn named(&mut self, line: u32, name: &Identifier) -> Target {
        let name = self.private(name.as_str());
        let place = self.place(&name);
        Target { line, kind: TargetKind::Name(name, place) }
    }

    fn attempt(&mut self, attempt: &StmtTry) -> Result<Kind> {
        if attempt.is_star {
            return Err(self.unsupported(attempt, "`except*`", "write except"));
        }
        let body = self.statements(&attempt.body)?;
        let mut handlers = Vec::new();
        for (at, handler) in attempt.handlers.iter().enumerate() {
            let ExceptHandler::ExceptHandler(except) = handler;
            if except.type_.is_none() && at + 1 < attempt.handlers.len() {
                return Err(self.syntax_error(except, "default 'except:' must be last"));
            }
            let line = self.line(except);
            let types = self.optional(except.type_.as_deref())?;
            let name = except.name.as_ref().map(|name| self.named(line, name));
            handlers.push(Handler { line, types, name, body: self.statements(&except.body)? });
        }
        Ok(Kind::Try(body, handlers, self.statements(&attempt.orelse)?, self.statements(&attempt.finalbody)?))
    }

    fn import(&mut self, line: u32, import: &rustpython_ruff_python_ast::StmtImport) -> Result<Statement> {
        let mut statements = Vec::new();
        for alias in &import.names {
            let innermost = alias.asname.is_some();
            let target = match &alias.asname {
                Some(name) => self.named(line, name),
                None => {
                    let first = alias.name.split('.').next().unwrap_or_default();
                    let name = self.private(first);
                    let place = self.place(&name);
                    Target { line, kind: TargetKind::Name(name, place) }
                }
            };
            statements.push(Statement { line, kind: Kind::Import(alias.name.as_str().into(), target, innermost) });
        }
        match statements.len() {
            1 => Ok(statements.remove(0)),
            // `import a, b` reads as two statements in a row.
            _ => Ok(Statement { line, kind: Kind::If(vec![(truth(line), statements)], Vec::new()) }),
        }
    }

    fn decorators(&mut self, list: &[rustpython_ruff_python_ast::Decorator]) -> Result<Vec<Expression>> {
        list.iter().map(|decorator| self.expression(&decorator.expression)).collect()
    }

    fn function(&mut self, node: &StmtFunctionDef) -> Result<Statement> {
        if node.is_async {
            return Err(self.unsupported(node, "`async`", "take the word out"));
        }
        let line = self.line(&node.name);
        let decorators = self.decorators(&node.decorator_list)?;
        let (parameters, rest, keywords) = self.parameters(&node.parameters)?;
        let target = self.named(line, &node.name);
        let bound = Bound::of(&node.body, self.class());
        let elsewhere: HashSet<Rc<str>> = bound.globals.union(&bound.nonlocals).cloned().collect();
        let own = slots(&parameters, rest.as_ref(), keywords.as_ref(), &bound.names, &elsewhere);
        if let Some(name) = own.iter().take(parameters.len()).find(|name| elsewhere.contains(*name)) {
            return Err(self.syntax_error(node, &format!("name '{name}' is parameter and global")));
        }
        self.open(Block::Function, &node.name, own, &bound);
        let body = Body::Statements(self.statements(&node.body)?);
        let code = self.close(&node.name, line, (parameters, rest, keywords), docstring(&node.body), body);
        Ok(Statement { line, kind: Kind::Function(target, code, decorators) })
    }

    fn class_definition(&mut self, node: &StmtClassDef) -> Result<Statement> {
        let line = self.line(&node.name);
        let decorators = self.decorators(&node.decorator_list)?;
        let arguments = match &node.arguments {
            Some(arguments) => self.arguments(arguments)?,
            None => Vec::new(),
        };
        let target = self.named(line, &node.name);
        let bound = Bound::of(&node.body, Some(&node.name.as_str().into()));
        self.open(Block::Class, &node.name, vec!["__class__".into()], &bound);
        let body = Body::Statements(self.statements(&node.body)?);
        let code = self.close(&node.name, line, (Vec::new(), None, None), docstring(&node.body), body);
        Ok(Statement { line, kind: Kind::Class(target, arguments, code, decorators) })
    }
}

fn truth(line: u32) -> Expression {
    Expression { line, kind: ExpressionKind::Constant(crate::frontend::python::tree::Constant::Bool(true)) }
}

fn docstring(body: &[Stmt]) -> Option<Rc<str>> {
    let Some(Stmt::Expr(first)) = body.first() else { return None };
    let Expr::StringLiteral(literal) = &*first.value else { return None };
    Some(literal.value.to_str().into())
}
