//! Many objects alive at once: what lives as long as an object takes none of mlua's 8,000 places for Lua values that Rust holds.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use digits::frontend::lua::vm::{Limit, Vm};
use mlua::{Function, Lua, Table};
use rayon::prelude::*;

use crate::{
    modules::{cases, lowered, machine, text, to_lua},
    tree,
};

/// Places that are left to a class's objects: calls inside calls take some while they run.
const PLACES: usize = 64;
/// Objects of each class, and as many clones.
const OBJECTS: usize = 66;

/// Takes all places but [`PLACES`].
fn crowd(lua: &Lua) -> Vec<Table> {
    let mut held = Vec::new();
    let more = || catch_unwind(AssertUnwindSafe(|| lua.create_table()));
    while let Ok(Ok(table)) = more() {
        held.push(table);
    }
    assert!(held.len() > PLACES, "the machine itself holds nearly all places");
    held.truncate(held.len() - PLACES);
    held
}

#[test]
fn no_object_of_any_class_holds_a_place() {
    tch::set_num_threads(1);
    let mut seen = BTreeSet::new();
    let mut all: Vec<serde_json::Value> = cases().into_iter().flat_map(|(_, cases)| cases).collect();
    // One case of each class; the clustering of k-means and the like is no faster for more of them.
    all.retain(|case| seen.insert(text(&case["class"]).to_string()));
    assert!(seen.len() > 150, "{} classes", seen.len());
    let faults: Vec<String> = all
        .par_chunks(40)
        .flat_map_iter(|cases| {
            let vm = machine();
            let chunk = std::fs::read_to_string(tree::root().join("tests/lua/nn/live.lua")).unwrap();
            let live: Function = vm.lua().load(chunk).set_name("@live.lua").call(()).unwrap();
            let run = |case: &serde_json::Value, count: usize| -> Option<String> {
                let case = to_lua(vm.lua(), case).unwrap();
                vm.guard(Limit::None, "in a test", || live.call((case, count))).unwrap_or_else(|e| Some(e.to_string()))
            };
            // What a class takes once, at its first call, is no object's.
            let mut found: Vec<String> =
                cases.iter().filter_map(|case| run(case, 1).map(|f| named(case, &f))).collect();
            let held = crowd(vm.lua());
            found.extend(cases.iter().filter_map(|case| run(case, OBJECTS).map(|fault| named(case, &fault))));
            drop(held);
            found
        })
        .collect();
    assert!(faults.is_empty(), "{} classes fail:\n{}", faults.len(), faults.join("\n"));
}

fn named(case: &serde_json::Value, fault: &str) -> String {
    format!("{} with {}: {fault}", text(&case["make"]), text(&case["input"]))
}

/// Runs a script whose `lower(model, criterion, input, gradOutput, evaluates, differentiates)` is the driver's.
fn run(vm: &Vm, script: &str) {
    let lower = vm.lua().create_function(lowered).unwrap();
    let chunk: Function = vm.load("live.lua", script).unwrap();
    vm.guard(Limit::None, "in a test", || chunk.call::<()>(lower)).unwrap_or_else(|page| panic!("{page}"));
}

#[test]
fn five_thousand_modules_live_and_each_was_called() {
    let script = r"
        local COUNT = 5000
        local x = torch.randn(1)
        local net, kept = nn.Sequential(), {}
        for i = 1, COUNT do
           kept[i] = nn.Tanh()
           kept[i]:forward(x)
           net:add(nn.Linear(1, 1))
        end
        for _, m in ipairs(net.modules) do
           m.weight:fill(1)
           m.bias:zero()
        end
        assert(net:forward(x)[1] == x[1])
        assert(net:backward(x, torch.ones(1))[1] == 1)
        local clone = net:clone()
        local flat, gradient = net:getParameters()
        assert(flat:size(1) == 2 * COUNT and flat:sum() == COUNT and gradient:size(1) == 2 * COUNT)
        assert(math.abs(gradient:sum() - COUNT * (x[1] + 1)) < 1e-6 * COUNT)
        assert(#clone.modules == COUNT and clone:get(COUNT).weight[1][1] == 1)
    ";
    run(&machine(), script);
}

#[test]
fn a_network_of_more_modules_than_places_is_cloned_converted_saved_and_lowered() {
    let vm = machine();
    let held = crowd(vm.lua());
    let script = r"
        local lower = ...
        local COUNT = 150
        local x = torch.randn(1, 1)
        local Opposite = torch.class('nn.OppositeOfATest', 'nn.Module')
        function Opposite:updateOutput(input) self.output = input * -1 return self.output end
        function Opposite:updateGradInput(input, gradOutput) self.gradInput = gradOutput * -1 return self.gradInput end
        local net = nn.Sequential()
        for i = 1, COUNT do net:add(nn.Linear(1, 1)):add(nn.OppositeOfATest()) end
        local all = nn.ParallelCriterion()
        for i = 1, COUNT do all:add(nn.MSECriterion()) end
        all:clone()
        for _, m in ipairs(net:findModules('nn.Linear')) do
           m.weight:fill(1)
           m.bias:zero()
        end
        assert(net:forward(x)[1][1] == x[1][1])
        net:float()
        assert(net:get(1).weight:type() == 'torch.FloatTensor')
        net:double()
        local clone = net:clone()
        local shared = clone:clone('weight', 'bias', 'gradWeight', 'gradBias')
        assert(torch.pointer(shared:get(1).weight:storage()) == torch.pointer(clone:get(1).weight:storage()))
        local back = torch.deserialize(torch.serialize(clone))
        assert(#back.modules == 2 * COUNT and back:forward(x)[1][1] == x[1][1])
        for i = 1, 2 do
           local answer = lower(clone, nn.MSECriterion(), x, torch.ones(1, 1), false, true)
           assert(#answer.gradParameters == 2 * COUNT)
           assert(answer.output[1][1] == x[1][1] and answer.gradInput[1][1] == 1)
        end
    ";
    run(&vm, script);
    drop(held);
}
