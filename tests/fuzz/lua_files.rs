//! Hostile network files in Lua: whole ones with other tokens, lines and statements that mean harm. What still is a network
//! is trained for two steps, with its hooks, then evaluated and written.

use std::{fs, time::Duration};

use digits::{
    data::Random,
    error::Result,
    frontend::{
        LabelShape, NetworkParams, Source,
        lua::{load, vm::VmOptions},
    },
    nn::Activity,
    optim::OptimizerSpec,
    torch::memory,
    train::{
        Targets,
        engine::{EngineOptions, engine},
    },
};

use crate::{
    target::{self, Answer, Target},
    texts::Language,
};

/// Files that are small, so that many fit into a minute.
const SMALL: &[&str] =
    &["autoencoder", "lenet", "lenet-relu", "regression", "siamese", "binary-segmentation", "fine-tuning"];

const WORDS: &[&str] = &[
    "0",
    "-1",
    "0.5",
    "1e9",
    "2^31",
    "2^53",
    "-2^63",
    "2^62",
    "1e300",
    "1/0",
    "0/0",
    "65536",
    "nil",
    "true",
    "''",
    "{}",
    "{1,2,3}",
    "('x'):rep(1e6)",
    "torch.ones(2)",
    "torch.FloatTensor(1,1):expand(2^20,2^20)",
    "nn",
    "torch",
    "_G",
    "function() end",
    "math.huge",
    "coroutine.create(print)",
    "torch.LongStorage{1,2}",
    "nn.Identity()",
    "error",
    "select('#')",
    "...",
];

const LINES: &[&str] = &[
    "while true do end",
    "repeat local x = torch.ones(10) until false",
    "for i = 1, 1e15 do pcall(error) end",
    "local function f() return f() end f()",
    "local function g() g() end g()",
    "local t = {} t[1] = t net = t",
    "local t = {} for i = 1, 1e9 do t[i] = i end",
    "local s = 'x' while true do s = s .. s end",
    "setmetatable(_G, {__index = function(t, k) return t[k] end})",
    "setmetatable(_G, {__newindex = error})",
    "error(setmetatable({}, {__tostring = error}))",
    "error(nil)",
    "error({})",
    "pcall(pcall, pcall, error)",
    "xpcall(error, error)",
    "xpcall(function() error('x') end, function() error('y') end)",
    "coroutine.wrap(function() coroutine.yield() end)()",
    "local c c = coroutine.wrap(function() c() end) pcall(c)",
    "local function n() coroutine.wrap(n)() end pcall(n)",
    "for k in pairs(_G) do _G[k] = nil end",
    "for k in pairs(torch) do torch[k] = print end",
    "for k in pairs(nn) do nn[k] = nn.Identity end",
    "getmetatable('').__index = nil",
    "getmetatable('').__index = function(t, k) return t[k] end",
    "setfenv(1, {})",
    "setfenv(0, setmetatable({}, {__index = error}))",
    "newproxy(true)",
    "string.dump(print)",
    "loadstring('\\27Lua')()",
    "loadstring(('('):rep(5000) .. (')'):rep(5000))",
    "loadstring(('x = {'):rep(300) .. ('}'):rep(300))",
    "os.exit()",
    "os.execute('true')",
    "io.open('/etc/passwd')",
    "require('image').load('/etc/passwd')",
    "require '../secret'",
    "dofile('/etc/passwd')",
    "('%99999d'):format(1)",
    "('x'):rep(1e5):find(('.-'):rep(50) .. 'b')",
    "('x'):rep(1e6):gsub('', ('y'):rep(1e4))",
    "table.concat({}, 'x', 1, 1e9)",
    "unpack({}, 1, 1e7)",
    "table.sort({3, 1, 2, 5, 4}, function() return true end)",
    "collectgarbage('stop')",
    "print(('x'):rep(1e6))",
    "torch.setdefaulttensortype('torch.DoubleTensor')",
    "torch.setdefaulttensortype('torch.LongTensor')",
    "torch.manualSeed(2^63)",
    "nn.Module.forward = nil",
    "nn.Module.updateOutput = function(self, input) return self.output end",
    "function nn.Linear:updateOutput(input) return input end",
    "function nn.Linear:updateGradInput(input, g) return nil end",
    "function nn.Module:getParameters() return torch.FloatTensor(3), torch.FloatTensor(3) end",
    "function nn.Module:parameters() return {torch.FloatTensor(1):expand(5)}, {torch.FloatTensor(5)} end",
    "function nn.Module:__tostring() return self end",
    "function nn.Module:type() return self end",
    "net:getParameters():set(torch.FloatTensor(1))",
    "net:getParameters():storage():resize(1)",
    "kept = net:getParameters() kept:resize(1)",
    "net:add(net)",
    "net.modules[1] = net",
    "net.modules = nil",
    "net.output = net",
    "net:get(1).weight = nil",
    "net:get(1).weight = torch.FloatTensor(2^20):expand(2^20, 2^20)",
    "net:get(1).bias = torch.LongTensor(3)",
    "for _, m in pairs(net.modules) do m.weight = torch.DoubleTensor(2, 2) m.gradWeight = torch.FloatTensor(1) end",
    "net = net:clone():double()",
    "net = torch.deserialize(torch.serialize(net))",
    "torch.MemoryFile():writeObject(_G)",
    "torch.deserialize(('\\4\\0\\0\\0'):rep(1000))",
    "torch.FloatStorage(2^40)",
    "torch.FloatTensor(torch.FloatStorage(4), -3, 100)",
    "torch.randn(3, 3):apply(function(x) return nil end)",
    "torch.randn(3, 3):map(torch.randn(9), function() error('x') end)",
    "torch.FloatTensor(3):data()",
    "torch.conv2(torch.ones(1, 1):expand(5000, 5000), torch.ones(1, 1):expand(3000, 3000))",
    "input:storage():resize(1)",
    "input:resize(0)",
    "label:set(input)",
    "kept = kept or {} kept[#kept + 1] = input",
    "do return {label, {input, {label}}} end",
    "do local t = {} t[1] = t return t end",
    "do return input:expand(2^20, 2^20) end",
    "do return end",
    "trainBatchSize = 2^62",
    "local p = torch.pointer(net) torch.pushudata(p, 'torch.FloatTensor')",
    "net:apply(function(m) m.forward = function(self, x) return self:forward(x) end end)",
    "net:get(1).updateOutput = function(self, input) self.weight:storage():resize(1) return input end",
    "net:get(1).accGradParameters = function(self) net:getParameters() end",
    "loss = nn.ParallelCriterion():add(nn.MSECriterion())",
    "net:insert(nn.Reshape(-1), 1)",
    "net:insert(nn.View(0, -1, 2^31), 1)",
    "net:add(nn.SelectTable(1))",
    "net:add(nn.Replicate(2^40))",
    "net:add(nn.LookupTable(5e10, 1))",
    "net:add(nn.SpatialZeroPadding(1e6, 1e6, 1e6, 1e6))",
    "net:add(nn.Padding(1, -2^31))",
    "net:add(nn.Dropout(0/0))",
    "net:add(nn.SpatialConvolution(1, 1, 2^20, 2^20))",
    "net:add(nn.SpatialMaxPooling(0, 0, 0, 0))",
    "net:add(nn.CAddTable())",
    "net:add(nn.Linear(2^40, 2^40))",
];

/// Before the files of `tests/lua/custom`, which take small images.
const OWN: &str = "OWN = true ";

fn language() -> Language {
    let root = env!("CARGO_MANIFEST_DIR");
    let read = |path: String| fs::read_to_string(path).unwrap();
    let mut files: Vec<String> = SMALL.iter().map(|name| read(format!("{root}/networks/{name}.lua"))).collect();
    let custom = fs::read_dir(format!("{root}/tests/lua/custom")).unwrap();
    let mut paths: Vec<_> = custom.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    files.extend(paths.into_iter().map(|path| format!("{OWN}{}", fs::read_to_string(path).unwrap())));
    Language { files, lines: LINES, words: WORDS }
}

fn trained(text: &str) -> Result<()> {
    const BATCH: i64 = 4;
    let options = VmOptions {
        build_time: Duration::from_millis(600),
        hook_time: Duration::from_millis(200),
        memory_limit: 64 << 20,
        ..VmOptions::default()
    };
    let shape = if text.starts_with(OWN) { [3, 2, 2] } else { [1, 28, 28] };
    let nclasses = (!text.starts_with(OWN)).then_some(10);
    let params = NetworkParams { input_shape: Some(shape), nclasses, ngpus: 0, labels: LabelShape::Scalar };
    let mut loaded = load(Source::pasted("net.lua", text), &params, options, 1)?;
    loaded.fine_tune()?;
    let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu)?;
    let mut targets = Targets::new(loaded.label_hook());
    let options = EngineOptions { batch_size: BATCH as usize, threads: 1, ..EngineOptions::default() };
    let mut engine = engine(network, &OptimizerSpec::default(), &options)?;
    let [c, h, w] = shape;
    let images = tch::Tensor::rand([BATCH, c, h, w], (tch::Kind::Float, tch::Device::Cpu)) * 255;
    let labels = tch::Tensor::from_slice(&[1.0f32, 2.0, 10.0, 1.0]);
    let wide = || tch::Tensor::rand([BATCH, 4], (tch::Kind::Float, tch::Device::Cpu));
    let labels = if text.starts_with(OWN) { wide() } else { labels };
    for _ in 0..2 {
        let (input, target) = targets.of(&images, &labels)?;
        engine.step(&input, &target, 0.01, 1)?;
    }
    engine.take_losses()?;
    let (input, target): (_, Activity) = targets.of(&images, &labels)?;
    engine.evaluate(&input, &target)?;
    loaded.t7(false)?;
    Ok(())
}

#[test]
fn hostile_files_train_or_get_a_page() {
    memory::set_common_limit(512 << 20);
    tch::set_num_threads(1);
    let language = language();
    target::keep("lua", &language.bytes());
    language.try_whole(&mut trained);
    let test = "lua_files::hostile_files_train_or_get_a_page";
    Target { name: "hostile Lua", test, inputs: 120, memory: 1 << 30 }
        .run(&mut |random: &mut Random| language.damaged(random).into_bytes(), &mut |bytes| {
            Answer::of(trained(std::str::from_utf8(bytes).unwrap()))
        });
}
