//! The world around the layers: what a script finds before its first line, what it may do with objects and errors.

use std::{path::Path, process::Command};

use digits::frontend::lua::{
    torch_vm,
    vm::{Limit, VmOptions},
};

use crate::tree;

/// Runs a trusted script in a folder.
fn th(folder: &Path, script: &Path) -> (bool, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_digits-rs"))
        .args(["th", "--trusted"])
        .arg(script)
        .current_dir(folder)
        .output()
        .unwrap();
    (run.status.success(), String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr))
}

/// Runs a text as a pasted file; the page, if it gives one.
fn pasted(text: &str) -> Result<(), String> {
    let vm = torch_vm(VmOptions::default()).unwrap();
    let chunk = vm.load("net.lua", text).map_err(|page| page.to_string())?;
    vm.guard(Limit::Build, "in a test", || chunk.call::<()>(())).map_err(|page| page.to_string())
}

#[test]
fn a_script_finds_what_th_had_before_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let parts = folder.path().join("parts");
    std::fs::create_dir(&parts).unwrap();
    std::fs::write(parts.join("outer.lua"), "local inner = include 'inner.lua' return inner").unwrap();
    std::fs::write(parts.join("inner.lua"), "return 'inner'").unwrap();
    std::fs::write(parts.join("init.lua"), "return {name = 'a folder'}").unwrap();
    // A script's own folder is where it lies.
    let script = folder.path().join("script.lua");
    std::fs::copy(tree::root().join("tests/scripts/before_the_first_line.lua"), &script).unwrap();
    let (ok, said) = th(folder.path(), Path::new("script.lua"));
    assert!(ok && said.contains("as in th"), "{said}");
}

#[test]
fn objects_as_errors_and_lengths_come_through_files() {
    let folder = tempfile::tempdir().unwrap();
    let (ok, output) = th(folder.path(), &tree::root().join("tests/scripts/thrown.lua"));
    assert!(ok && output.contains("thrown ok"), "{output}");
}

#[test]
fn a_pasted_file_finds_it_as_far_as_the_fence_allows() {
    pasted(
        r"
        assert(path.join('a', 'b') == 'a/b' and stringx.strip(' a ') == 'a' and '%d' % {3} == '3')
        assert(paths.concat('a', 'b') == 'a/b' and ('a b'):split(' ')[2] == 'b' and List{1}:len() == 1)
        assert(not path.exists '/etc/passwd' and torch.packageLuaPath 'nn' == nil and undefined == nil)
        assert(tablex ~= nil and rawget(_G, 'tablex') == tablex)
        ",
    )
    .unwrap();
    for reach in ["require 'lfs'.attributes '/etc/passwd'", "file.read '/etc/passwd'", "require 'lfs'.chdir '/'"] {
        let page = pasted(reach).unwrap_err();
        assert!(page.contains("not available to network files"), "{reach}: {page}");
    }
}

#[test]
fn a_class_that_does_not_exist_is_nil_and_its_call_is_explained() {
    pasted("assert(nn.Linaer == nil and not nn.FastLSTMWithPeepholes)").unwrap();
    for text in
        ["local m = nn.Linaer(3, 2)", "local s = nn.Sequential()\ns:add(nn.Linaer)", "nn.Linaer.updateOutput = 1"]
    {
        let page = pasted(text).unwrap_err();
        assert!(page.contains("there is no nn.Linaer") && page.contains("did you mean nn.Linear?"), "{text}: {page}");
    }
    let page = pasted("require 'cudnn' local m = cudnn.SpatialConvolutoin(1, 1, 1, 1)").unwrap_err();
    assert!(page.contains("did you mean cudnn.SpatialConvolution?"), "{page}");
    // A field of the user's own is nobody's class.
    assert!(!pasted("local t = {} t.Linaer()").unwrap_err().contains("there is no"));
}

#[test]
fn what_pcall_gives_keeps_the_facts_and_the_reason() {
    pasted(
        r"
        local ok, why = pcall(nn.Linear, 'x')
        assert(not ok and why:find('number expected, got string', 1, true) and why:find('usage: nn.Linear(', 1, true), why)
        ok, why = pcall(function() return nn.Linear(3, 2):forward(torch.randn(4, 5)) end)
        assert(not ok and why:find('size mismatch', 1, true) and why:find('4, 5', 1, true), why)
        ok, why = pcall(require, 'nowhere')
        assert(why:find('nowhere', 1, true) and why:find('looked for: a package nowhere', 1, true), why)
        ",
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lib")).unwrap();
    std::fs::write(folder.path().join("lib/broken.lua"), "\nlocal = 1\n").unwrap();
    let script = r"
        package.path = 'lib/?.lua;' .. package.path
        local ok, why = pcall(require, 'broken')
        assert(not ok and why:find('broken.lua:2', 1, true) and why:find('near .=') ~= nil, why)
        ok, why = pcall(require, 'nowhere')
        assert(why:find('lib/nowhere.lua', 1, true), why)
        print 'kept'";
    std::fs::write(folder.path().join("script.lua"), script).unwrap();
    let (ok, said) = th(folder.path(), Path::new("script.lua"));
    assert!(ok && said.contains("kept"), "{said}");
}

#[test]
fn objects_take_another_class_and_a_metatable_of_the_user_s() {
    pasted(
        r"
        require 'cudnn'
        local net = nn.Sequential():add(nn.SpatialConvolution(1, 2, 3, 3)):add(nn.ReLU()):add(nn.SpatialMaxPooling(2, 2))
        local x = torch.randn(1, 1, 8, 8)
        local before = net:forward(x):clone()
        cudnn.convert(net, cudnn)
        assert(torch.type(net:get(1)) == 'cudnn.SpatialConvolution' and torch.type(net:get(2)) == 'cudnn.ReLU')
        assert((net:forward(x) - before):abs():max() == 0)
        cudnn.convert(net, nn)
        assert(torch.type(net:get(1)) == 'nn.SpatialConvolution')
        local m = nn.Linear(3, 2)
        local class = getmetatable(m)
        setmetatable(m, {__index = function(t, key) return key == 'answer' and 42 or class[key] end, __typename = 'nn.Linear'})
        assert(m.answer == 42 and m:forward(torch.randn(3)):size(1) == 2)
        assert(torch.type(setmetatable(nn.Linear(1, 1), getmetatable(nn.Tanh()))) == 'nn.Tanh')
        ",
    )
    .unwrap();
}

#[test]
fn small_rules_of_torch_hold() {
    pasted(
        r"
        local pairs_of = {nn.MM(), nn.MV(), nn.DotProduct(), nn.CosineDistance(), nn.Bilinear(2, 2, 1), nn.Index(1)}
        for _, m in ipairs(pairs_of) do
           assert(#m.gradInput == 2 and torch.isTensor(m.gradInput[1]) and m.gradInput[2]:dim() == 0, torch.type(m))
        end
        local narrow = nn.NarrowTable(2, 5)
        local a, b = torch.randn(2), torch.randn(3)
        assert(#narrow:forward{a, b} == 1)
        local back = narrow:backward({a, b}, {torch.ones(3)})
        assert(back[1]:sum() == 0 and back[2]:sum() == 3)
        assert(tostring(torch.Timer()) == 'torch.Timer' and tostring(torch.Generator()) == 'torch.Generator')

        local tied, other = nn.Linear(2, 2), nn.Linear(2, 2)
        other.weight:set(tied.weight)
        local ok, why = pcall(function() nn.Sequential():add(tied):add(other):getParameters() end)
        assert(not ok and why:find('check that you are sharing parameters and gradParameters', 1, true), why)
        local storage = torch.zeros(4)
        local m, k = nn.Linear(2, 1), nn.Linear(2, 1)
        m.weight, m.bias, m.gradBias = storage:narrow(1, 3, 2):view(1, 2), nil, nil
        k.weight, k.bias, k.gradBias = storage:narrow(1, 1, 2):view(1, 2), nil, nil
        ok, why = pcall(function() nn.Sequential():add(m):add(k):getParameters() end)
        assert(not ok and why:find('misaligned parameter at', 1, true), tostring(why))
        ",
    )
    .unwrap();
}

#[test]
fn a_bracket_that_begins_a_line_continues_the_call() {
    pasted(
        r"
        local function f(x) return function(y) return x + y end end
        local sum = f -- adds (
        (1)
        (2)
        assert(sum == 3)
        local g = assert(loadstring('local f = ...\nreturn f\n(1)\n(5)'))
        assert(g(f) == 6 and table.pack(1, nil).n == 2)
        ",
    )
    .unwrap();
    let page = pasted("local x\nprint\n(x.y)").unwrap_err();
    assert!(page.contains("net.lua:3") || page.contains("net.lua:2"), "{page}");
}

#[test]
fn a_storage_maps_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let numbers: Vec<u8> = [1.5f64, 2.5, 3.5].iter().flat_map(|number| number.to_le_bytes()).collect();
    std::fs::write(folder.path().join("numbers"), &numbers).unwrap();
    let script = r"
        local s = torch.DoubleStorage('numbers')
        assert(s:size() == 3 and s[3] == 3.5)
        s[1] = 7
        assert(torch.DoubleStorage('numbers')[1] == 1.5)
        local shared = torch.DoubleStorage('numbers', true, 4)
        shared[2], shared[4] = 9, 4
        shared = nil
        collectgarbage()
        assert(torch.DoubleTensor(torch.DoubleStorage('numbers')):sum() == 1.5 + 9 + 3.5 + 4)
        assert(not pcall(torch.DoubleStorage, 'numbers', false, 100) and not pcall(torch.DoubleStorage, 'nothing'))
        print 'mapped'";
    std::fs::write(folder.path().join("script.lua"), script).unwrap();
    let (ok, said) = th(folder.path(), Path::new("script.lua"));
    assert!(ok && said.contains("mapped"), "{said}");
    assert_eq!(std::fs::read(folder.path().join("numbers")).unwrap().len(), 32);
    let page = pasted("torch.DoubleStorage('/etc/passwd')").unwrap_err();
    assert!(page.contains("not available to network files"), "{page}");
}
