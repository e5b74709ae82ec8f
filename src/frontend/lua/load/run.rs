//! `load`: runs a network file, calls the function it returns, and reads the table that comes back.

use std::{rc::Rc, time::Instant};

use mlua::{Table, Value as LuaValue};

use super::{
    contract::Contract,
    cycle,
    loaded::{Loaded, print},
};
use crate::{
    error::Result,
    frontend::{
        Language, NetworkParams, Settings, Source,
        lua::{
            library::packages::torch_vm,
            machine::{
                error::raise,
                vm::{Limit, Vm, VmOptions},
            },
            objects::classes::class_name,
            tensor,
        },
    },
    nn::Phase,
    torch::{Generator, Tensor, TensorType},
};

/// Runs a network file with these parameters.
///
/// # Errors
/// A page for the file's author: syntax and runtime errors with their line, a result that is no network, a limit
/// that was reached.
pub fn load(source: Source, params: &NetworkParams, options: VmOptions, seed: u64) -> Result<Loaded> {
    let start = Instant::now();
    let vm = Rc::new(torch_vm(options)?);
    if let Some(folder) = &source.folder {
        vm.set_folder(folder);
    }
    *tensor::generator(vm.lua()).borrow_mut() = Generator::new(seed);
    let chunk = vm.load(&source.name, &source.text)?;
    let result = vm.guard(Limit::Build, "while the file ran", || chunk.call::<LuaValue>(()))?;
    let mut params_given = None;
    let returned = match result {
        LuaValue::Function(function) => {
            let table = params_table(&vm, params)?;
            params_given = Some(table.clone());
            vm.guard(Limit::Build, "in the function that the file returns", || function.call::<LuaValue>(table))?
        }
        other => other,
    };
    let contract = Contract { file: &source.name, lua: vm.lua() };
    let table = contract.table(returned)?;

    let model = contract.module(&table)?;
    let criterion = match contract.get(&table, "loss")? {
        LuaValue::Nil => vm.guard(Limit::Build, "while making nn.ClassNLLCriterion()", || {
            vm.lua().load("return nn.ClassNLLCriterion()").set_name("=[digits] default loss").eval::<Table>()
        })?,
        LuaValue::Table(criterion) if class_name(&criterion).is_some() => criterion,
        other => return Err(contract.wrong("loss", "a criterion, such as nn.MSECriterion()", &other)),
    };
    let settings = Settings {
        language: Language::Lua,
        train_batch_size: contract.count(&table, "trainBatchSize")?,
        validation_batch_size: contract.count(&table, "validationBatchSize")?,
        croplen: contract.count(&table, "croplen")?,
    };
    let label_hook = contract.function(&table, "labelHook")?;
    let fine_tune_hook = contract.function(&table, "fineTuneHook")?;
    cycle::check(vm.lua(), &model)?;
    let printed = vm.guard(Limit::Build, "while printing the network", || print(&vm, &model))?;
    let criterion_printed = vm.guard(Limit::Build, "while printing the loss", || print(&vm, &criterion))?;
    Ok(Loaded {
        vm,
        model,
        criterion,
        label_hook,
        fine_tune_hook,
        params: params_given,
        source,
        settings,
        printed,
        criterion_printed,
        seconds: start.elapsed().as_secs_f64(),
    })
}

fn params_table(vm: &Vm, params: &NetworkParams) -> Result<Table> {
    let lua = vm.lua();
    vm.guard(Limit::Build, "while the parameters were made", || {
        let table = lua.create_table()?;
        table.set("ngpus", params.ngpus)?;
        table.set("nclasses", params.nclasses)?;
        // A hook finds here what its batch is for.
        table.set("phase", Phase::Train.name())?;
        if let Some(shape) = params.input_shape {
            let numbers = tch::Tensor::from_slice(&shape.map(|n| n as f64));
            let tensor = Tensor::from_tch(TensorType::DOUBLE, &numbers).map_err(raise)?;
            table.set("inputShape", tensor::to_lua(lua, tensor)?)?;
        }
        Ok(table)
    })
}

#[cfg(test)]
mod tests;
