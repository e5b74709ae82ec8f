//! Single calls that once ended the process, hung or took all memory: each is now a value or a page that `pcall` can catch.

use std::time::{Duration, Instant};

use digits::{
    error::{Error, Kind, Result},
    frontend::{
        NetworkParams, Source,
        lua::{
            load, torch_vm,
            vm::{Limit, VmOptions},
        },
    },
    torch::memory,
};

fn run(text: &str) -> Result<()> {
    let vm = torch_vm(VmOptions::default())?;
    let chunk = vm.load("net.lua", text)?;
    vm.guard(Limit::Build, "while the file ran", || chunk.call::<()>(()))
}

/// The page of a call that must be refused, at once and where `pcall` catches it.
fn refused(text: &str) -> Error {
    let began = Instant::now();
    run(&format!(
        "local fine, why = pcall(function() {text} end) assert(not fine and type(why) == 'string', 'it went well')"
    ))
    .unwrap_or_else(|page| panic!("{text}: pcall does not catch it: {page}"));
    let page = run(text).expect_err(text);
    assert!(began.elapsed() < Duration::from_secs(100), "{text} took {:?}", began.elapsed());
    page
}

fn all(cases: &[(&str, &str)]) {
    for (text, words) in cases {
        let page = refused(text).to_string();
        assert!(page.contains(words), "{text}: {words:?} is missing in\n{page}");
        assert!(!page.contains("digits-rs itself failed"), "{text}\n{page}");
    }
}

#[test]
fn a_refused_call_with_a_number_is_a_page() {
    all(&[
        ("torch.FloatTensor(4, 4):fill(1e300)", "overflow"),
        ("torch.FloatTensor(4, 4):renorm(-1, 1, 1)", "renorm"),
        ("torch.FloatTensor(4, 4):scatter(1, torch.LongTensor(4, 5):fill(1), 1)", "scatter"),
        ("torch.FloatTensor(2, 2):add(torch.FloatTensor(3))", "inconsistent tensor size"),
        ("torch.LongTensor(2):pow(-1)", "negative"),
    ]);
    run("pcall(function() return torch.FloatTensor(4, 4):norm(-1) end)").unwrap();
}

#[test]
fn results_are_measured_before_they_are_made() {
    let wide = "local t = torch.FloatTensor(1, 1):expand(2^18, 2^18)";
    for (rest, words) in [
        ("t:clone()", "clone"),
        ("local x = t + 1", "the result"),
        ("print(t)", "printing it"),
        ("t:sort(2)", "sort"),
        ("t:nonzero()", "nonzero"),
        ("t:totable()", "totable"),
        ("t:contiguous()", "contiguous"),
        ("t:double()", "torch.DoubleTensor"),
        ("torch.cat(t, t)", ""),
        ("nn.ReLU():forward(t)", "input"),
        ("nn.ArgMax(1):forward(t)", "input"),
        ("nn.AbsCriterion():forward(torch.ones(1), t)", "target"),
        ("local n = nn.Linear(1, 1) n:forward(torch.ones(1)) n:backward(torch.ones(1), t)", "gradOutput"),
    ] {
        all(&[(&format!("{wide} {rest}"), words)]);
    }
    all(&[
        ("torch.cat(torch.ones(2), torch.ones(2), 2^40)", "invalid dimension"),
        ("torch.range(1, 7e9, 1, 'torch.ByteTensor')", "a range"),
        ("torch.multinomial(torch.ones(3), 1e15, true)", "the samples"),
        (
            "local s = torch.multinomialAliasSetup(torch.ones(3):div(3)) \
             torch.multinomialAlias(torch.LongTensor(1):expand(2^40), s)",
            "multinomialAlias",
        ),
        ("torch.randperm(1e12)", "a permutation"),
        ("torch.histc(torch.ones(3), 9e8 * 4)", "histc"),
        ("nn.LookupTable(2e9, 1000)", "does not fit"),
        ("nn.ClassSimplexCriterion(2^31)", "the simplex"),
        (
            "local m = nn.LookupTable(2, 2) m.weight = torch.FloatTensor(1, 1):expand(2^20, 2^20) m:reset()",
            "does not fit",
        ),
        (
            "local m = nn.SpatialConvolutionMap(nn.tables.full(2, 2), 3, 3) m.kW = 2^30 m.kH = 2^30 m:reset()",
            "the weight",
        ),
        ("torch.FloatTensor(1, 1):expand(2^20, 2^15):prod()", "prod would take longer"),
        // Ten seconds are allowed, and 2^33 numbers can be added in them, but neither multiplied nor compared.
        ("torch.FloatTensor(1, 1):expand(2^20, 2^13):prod()", "prod would take longer"),
        ("torch.FloatTensor(1, 1):expand(2^20, 2^13):max()", "max would take longer"),
        ("torch.FloatTensor(1, 1):expand(2^20, 2^13):std()", "std would take longer"),
        ("torch.FloatTensor(2^62, 2^62)", ""),
        ("torch.FloatTensor(1, 1):expand(2^40, 2^40)", "larger than any memory"),
        ("torch.FloatTensor(1):repeatTensor(2^40, 2^20)", "repeatTensor"),
        ("local t = {1} for _ = 1, 60 do t = {t, t} end torch.FloatTensor(t)", "a tensor of a table"),
        ("nn.SpatialZeroPadding(1e6, 1e6, 1e6, 1e6):forward(torch.ones(1, 2, 2))", "does not fit"),
    ]);
}

#[test]
fn files_in_memory_and_tables_count_as_tensors_do() {
    // Of this thread, which is the test's own.
    memory::set_limit(64 << 20);
    all(&[
        (
            "local f, s = torch.MemoryFile(), torch.CharStorage(1e6) for _ = 1, 200 do f:writeChar(s) end",
            "a file in memory",
        ),
        (
            "local all, s = {}, torch.CharStorage(1e6) \
             for i = 1, 200 do all[i] = torch.MemoryFile() all[i]:writeChar(s) end",
            "a file in memory",
        ),
        ("local t = torch.FloatTensor(12e6) torch.serialize(t)", "does not fit"),
        ("nn.LookupTable(5e8, 1)", "does not fit"),
    ]);
}

#[test]
fn fields_that_a_file_replaces_are_looked_at_again() {
    run("assert(nn.Collapse(-1):forward(torch.ones(2, 2, 2)):dim() == 4)").unwrap();
    all(&[
        ("local m = nn.Euclidean(3, 4) m.weight = torch.ones(12) m:forward(torch.ones(3))", "has other dims"),
        ("local m = nn.LookupTable(3, 4) m.weight = torch.Tensor() m:forward(torch.LongTensor{1})", "has other dims"),
        ("nn.OneHot(2^63)", "no whole number within 2^31"),
        ("nn.PixelShuffle(0/0)", "no whole number within 2^31"),
        ("nn.View(2^31, 2^31, 2^31):forward(torch.ones(3))", "do not match"),
        ("nn.Reshape(2^31, 2^31, 2^31):forward(torch.ones(3))", "multiply"),
        ("local m = nn.OneHot(3) m.outputSize = 0/0 m:forward(torch.LongTensor{1})", "2^31"),
    ]);
}

#[test]
fn whole_numbers_wrap_and_do_not_trap() {
    run(r"
        local least = torch.LongTensor{-2^63, 7}
        assert(least:clone():div(-1)[2] == -7)
        assert((least / -1)[2] == -7)
        assert(least:clone():cdiv(torch.LongTensor{-1, -1})[2] == -7)
        assert(least:clone():cdiv(torch.LongTensor{-1, 2})[2] == 3)
        assert(least:clone():fmod(-1)[1] == 0 and least:clone():remainder(-1)[1] == 0)
        assert(torch.IntTensor{-2^31, 5}:div(-1)[2] == -5)
        local drawn = torch.random(-2^63, 2^63)
        assert(type(drawn) == 'number')
        local empty = torch.FloatTensor(torch.FloatStorage(4), 1, torch.LongStorage{0, 2})
        assert(empty:dim() == 0 and next(empty:totable()) == nil)
        local t = torch.FloatTensor(2, 2)
        assert(not pcall(function() return t:narrow(1, -2^63, 1) end))
        assert(not pcall(function() return t[-2^63] end))
        assert(not pcall(function() return t:view(2^32, 2^32) end))
    ")
    .unwrap();
}

#[test]
fn tables_that_never_end_are_pages() {
    let nested = "local t = {} t[1] = t";
    let deep = "local t = {torch.ones(1)} for _ = 1, 100000 do t = {t} end";
    let wide = "local t = {torch.ones(1)} for _ = 1, 60 do t = {t, t} end";
    for (table, words) in [(nested, "tables deep"), (deep, "tables deep"), (wide, "entries")] {
        for rest in [
            "nn.CAddTable():forward(t)",
            "nn.SelectTable(1):forward(t)",
            "nn.Linear(1, 1):backward(torch.ones(1), t)",
            "nn.MSECriterion():forward(t, torch.ones(1))",
        ] {
            all(&[(&format!("{table} {rest}"), words)]);
        }
        run(&format!(
            "{table} pcall(nn.Sequential().add, nn.Sequential(), t) pcall(nn.View, t) pcall(torch.FloatTensor, t)"
        ))
        .unwrap();
    }
}

#[test]
fn storages_made_shorter_than_their_tensors_are_pages() {
    all(&[("local m = nn.Linear(3, 2) m.weight:storage():resize(1) m:getParameters()", "it cannot be flattened")]);
}

#[test]
fn calls_that_cannot_end_in_time_are_refused() {
    all(&[
        ("local a = torch.FloatTensor(1, 1):expand(2000, 2000) torch.conv2(a, a, 'F')", "this convolution"),
        ("local a = torch.FloatTensor(1, 1):expand(40000, 40000) torch.mm(a, a)", "mm"),
        ("local a = torch.FloatTensor(1, 1):expand(40000, 40000) return a * a", "this product"),
        ("torch.FloatTensor(1, 1):expand(2^31, 2^31):sum()", "sum"),
        ("torch.FloatTensor(1, 1):expand(2^31, 2^31):fill(1)", "fill"),
        ("local t = torch.FloatTensor(1, 1):expand(2^12, 2^40) t[3] = 1", "the assignment would take longer"),
        ("local t = torch.FloatTensor(1, 1):expand(2^31, 2^31) t[{{1, 2^30}}] = 1", "the assignment would take longer"),
        ("local t = torch.ByteTensor(1, 1):expand(2^31, 2^31) t[t] = 1", "the assignment would take longer"),
        ("local t = torch.ByteTensor(1, 1):expand(2^31, 2^31) return t[t]", "would take longer"),
        ("torch.FloatTensor(1):expand(2^40):apply(function(x) return x end)", "apply"),
        ("os.date(('%c'):rep(3e6))", "too long"),
        ("torch.symeig(torch.FloatTensor(1, 1):expand(40000, 40000))", ""),
    ]);
}

#[test]
fn loops_of_native_calls_look_at_the_clock() {
    for text in [
        "local s = torch.FloatStorage(1e7) while true do s:fill(1) end",
        "local f = torch.MemoryFile() local s = torch.CharStorage(1e6) while true do f:writeChar(s) f:seek(1) end",
        "local text = 'x = 1 ' while true do loadstring(text:rep(1e5)) end",
        "local t = torch.randn(1000, 1000) while true do local x = t + 1 end",
        "while true do os.date(('%c'):rep(400)) end",
        "require('sys').sleep(1e9)",
    ] {
        let options = VmOptions { build_time: Duration::from_millis(300), ..VmOptions::default() };
        let vm = torch_vm(options).unwrap();
        let chunk = vm.load("net.lua", text).unwrap();
        let began = Instant::now();
        let page = vm.guard(Limit::Build, "while the file ran", || chunk.call::<()>(())).unwrap_err();
        assert!(page.message().contains("stopped after 300 ms") || page.kind() == Kind::Limit, "{text}: {page}");
        assert!(began.elapsed() < Duration::from_secs(60), "{text}: {:?}", began.elapsed());
    }
}

#[test]
fn no_answer_is_an_address() {
    run(r"
        local pointer, t = torch.pointer, torch.FloatTensor(2)
        local u = t
        assert(pointer(t) == pointer(u) and pointer(t) ~= pointer(torch.FloatTensor(2)))
        assert(pointer(1) == 0 and pointer({}) ~= 0 and pointer({}) < 2^48)
        local a = {}
        assert(tostring(a) == tostring(a) and tostring(a) ~= tostring({}))
        assert(tostring(a):match('^table: 0x%x+$') and tostring(print):match('^function: 0x%x+$'))
        assert(tonumber(tostring(a):match('0x(%x+)'), 16) == pointer(a))
        assert(tostring(12) == '12' and tostring('table: 0x12') == 'table: 0x12')
        assert(not pcall(function() return t:data() end))
    ")
    .unwrap();
}

/// A network whose `getParameters` is the user's.
fn lowered(get_parameters: &str) -> Result<digits::nn::Network> {
    let text = format!(
        "local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, 4))\n\
         local usual = net.getParameters\n\
         function net:getParameters() local p, g = usual(self) {get_parameters} end\n\
         return {{ model = net, loss = nn.MSECriterion() }}"
    );
    let params = NetworkParams { input_shape: Some([1, 4, 4]), ..NetworkParams::default() };
    load(Source::pasted("net.lua", &text), &params, VmOptions::default(), 1)?.lower(tch::Kind::Float, tch::Device::Cpu)
}

#[test]
fn other_flat_vectors_are_pages() {
    for (body, words) in [
        ("return p:double(), g", "torch.DoubleTensor"),
        ("return p, g:view(2, -1)", "sizes [2, 34]"),
        ("return p:expand(1):clone():expand(1), g", ""),
        ("return torch.FloatTensor(torch.FloatStorage(200), 1, 68, 2), g", "strides [2]"),
        ("return p:narrow(1, 1, 10), g", "10 parameters but 68 gradients"),
        ("p:storage():resize(1) return p, g", "beyond its storage"),
    ] {
        let page = lowered(body).err().map(|page| page.to_string()).unwrap_or_else(|| panic!("{body} went well"));
        assert!(page.contains(words), "{body}: {page}");
    }
    let network = lowered("kept = p return p, g").unwrap();
    assert_eq!(network.parameters.count(), 68);
}
