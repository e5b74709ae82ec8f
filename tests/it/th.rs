//! `digits-rs th`: scripts with arguments, lines from a pipe, testers and their exit status, files of trusted scripts.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

fn th(folder: &Path, arguments: &[&str], typed: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_digits-rs"))
        .arg("th")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complained(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn typed_lines_are_answered_and_errors_do_not_end_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    let typed = "1 + 1\nx = torch.Tensor{{1, 2}, {3, 4}}\nx\n=x:sum()\nfor i = 1, 2 do\n  print(i)\nend\n\
                 error('boom')\n{1, {'a', t = x}, k = true}\nnn.Linear(2, 3)\nio.open('x')\n2, nil, 'end'\n\
                 #nn.Sequential():add(nn.Tanh())\n";
    let output = th(folder.path(), &[], typed);
    assert_eq!(
        said(&output),
        "2\n 1  2\n 3  4\n[torch.DoubleTensor of size 2x2]\n\n10\n1\n2\n\
         {\n  1 : 1\n  2 : \n      {\n        1 : \"a\"\n        t : DoubleTensor - size: 2x2\n      }\n  k : true\n}\n\
         nn.Linear(2 -> 3)\n2\tnil\tend\n1\n"
    );
    let complaints = complained(&output);
    assert!(complaints.contains("Lua error: boom") && complaints.contains("io.open is not available"), "{complaints}");
    assert!(output.status.success());
}

#[test]
fn all_behind_the_script_is_the_script_s() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.lua"), "print(...)").unwrap();
    for words in [["--help", "-h"], ["-e", "10"], ["-l", "3"], ["-i", "--trusted"], ["--no-fence", "--unknown"]] {
        let output = th(folder.path(), &["a.lua", words[0], words[1]], "");
        assert_eq!(said(&output), format!("{}\t{}\n", words[0], words[1]), "{}", complained(&output));
    }
}

#[test]
fn a_line_that_was_begun_is_said_before_the_error_and_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(said(&th(folder.path(), &["-e", "io.write('abc')"], "")), "abc\n");
    assert_eq!(said(&th(folder.path(), &["-e", "io.write('step 1 ') error('x')"], "")), "step 1 \n");
}

#[test]
fn a_trusted_script_s_texts_end_where_luajit_s_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = th(folder.path(), &["--trusted", "-e", "print(pcall(string.rep, 'x', 1e10))"], "");
    assert!(said(&output).contains("resulting string too large"), "{}", complained(&output));
}

/// As trepl's print: a log that somebody reads while the script runs, or that outlives it.
#[test]
fn a_trusted_script_s_lines_are_there_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let code = "print('a') io.stderr:write(tostring(io.open('out'):read('*a') == 'a\\n'))";
    let out = fs::File::create(folder.path().join("out")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_digits-rs"))
        .args(["th", "--trusted", "-e", code])
        .current_dir(folder.path())
        .stdout(out)
        .output()
        .unwrap();
    assert_eq!(complained(&output), "true");
}

/// `ulimit -s`: the depth that calls may have does not depend on it.
#[test]
fn a_small_stack_of_the_process_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let code = "local function f(x) return (('x'):gsub('x', f)) end print(pcall(f))";
    let output = Command::new("bash")
        .args(["-c", "ulimit -Ss 64 && exec \"$0\" th -e \"$1\"", env!("CARGO_BIN_EXE_digits-rs"), code])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(said(&output).contains("stack overflow"), "{} {}", said(&output), complained(&output));
}

#[test]
fn a_piece_that_never_ends_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = th(folder.path(), &[], "function f(\n");
    assert!(complained(&output).contains("the file ends too early"), "{}", complained(&output));
}

#[test]
fn a_script_gets_its_arguments_and_libraries_come_first() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.lua"), "print(arg[0], arg[2], select('#', ...), ..., before)").unwrap();
    let output = th(folder.path(), &["-e", "before = 'e'", "a.lua", "-x", "two"], "");
    assert_eq!(said(&output), "a.lua\ttwo\t2\t-x\te\n", "{}", complained(&output));
}

#[test]
fn scripts_print_plain_tables_with_their_fields() {
    let folder = tempfile::tempdir().unwrap();
    let script = "print({1, x = {2}}, 'b')\nprint(setmetatable({}, {__tostring = function() return 'own' end}), {})";
    let output = th(folder.path(), &["-e", script], "");
    let wanted = "{\n  1 : 1\n  x : \n      {\n        1 : 2\n      }\n}\tb\nown\t{}\n";
    assert_eq!(said(&output), wanted, "{}", complained(&output));
}

#[test]
fn a_tester_ends_the_script_with_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let suite = "local t, s = torch.Tester(), torch.TestSuite()\n\
                 function s.good() t:eq(torch.ones(2), torch.ones(2)) t:assertlt(1, 2) end\n";
    let bad = "function s.bad() t:eq({1, {2}}, {1, {3}}, 'why') end\nfunction s.raises() nosuch() end\n";
    fs::write(folder.path().join("good.lua"), format!("{suite}t:add(s):run()")).unwrap();
    fs::write(folder.path().join("bad.lua"), format!("{suite}{bad}t:add(s):run()")).unwrap();
    for trust in [&[][..], &["--trusted"][..]] {
        let output = th(folder.path(), &[trust, &["good.lua"]].concat(), "");
        assert!(
            said(&output).contains("Completed 2 asserts in 1 test with 0 failures and 0 errors"),
            "{}",
            said(&output)
        );
        assert!(output.status.success());
        let output = th(folder.path(), &[trust, &["bad.lua"]].concat(), "");
        assert_eq!(output.status.code(), Some(1));
        let report = said(&output);
        assert!(report.contains("Completed 3 asserts in 3 tests with 1 failure and 1 error"), "{report}");
        assert!(report.contains("bad\nwhy\nAt table location 2.1: EQ failed: 2 ~= 3"), "{report}");
        assert!(complained(&output).contains("An error was found while running tests!"), "{}", complained(&output));
    }
}

/// Every way to keep a network: binary, text, memory; what was shared stays shared, and it computes the same.
#[test]
fn trusted_scripts_save_and_load() {
    let folder = tempfile::tempdir().unwrap();
    let script = r"
        require 'nngraph'
        local a = nn.Identity()()
        local graph = nn.gModule({a}, {nn.CAddTable()({nn.Linear(3, 2)(a), nn.Linear(3, 2)(a)})})
        local first = nn.Linear(3, 4)
        local net = nn.Sequential():add(first):add(nn.ReLU()):add(nn.Linear(4, 3)):add(graph)
        local x = torch.randn(5, 3)
        local y = net:forward(x):clone()
        local all = {net = net, weight = first.weight, f = function(v) return v + 1 end}
        local function same(copy, how)
           assert((copy.net:forward(x) - y):abs():max() == 0, how)
           assert(torch.pointer(copy.weight) == torch.pointer(copy.net:get(1).weight), how)
           assert(copy.f(1) == 2, how)
        end
        for _, mode in ipairs{'binary', 'ascii'} do
           torch.save('net.t7', all, mode)
           same(torch.load('net.t7', mode), mode)
           same(torch.deserialize(torch.serialize(all, mode), mode), mode .. ' in memory')
        end
        for _, name in ipairs{'Byte', 'Char', 'Short', 'Int', 'Long', 'Half', 'Float', 'Double'} do
           local t = torch[name .. 'Tensor']{{1, 2, 3}, {4, 5, 6}}:t()
           local u = torch.deserialize(torch.serialize(t))
           assert(torch.type(u) == torch.type(t) and u:stride(1) == 1 and u:size(1) == 3, name)
           assert((u:double() - t:double()):abs():max() == 0, name)
        end
        local g = torch.Generator()
        torch.manualSeed(g, 5)
        local h = torch.deserialize(torch.serialize(g))
        assert(torch.random(g) == torch.random(h))
        local f = torch.DiskFile('numbers', 'rw'):bigEndianEncoding():binary()
        f:writeInt(1)
        f:writeDouble(torch.DoubleStorage{2.5, -3})
        f:seek(1)
        assert(f:readByte(4)[4] == 1 and f:position() == 5)
        local d = f:readDouble(2)
        assert(d[1] == 2.5 and d[2] == -3)
        assert(not pcall(f.readInt, f))
        assert(f:quiet():readInt() == 0 and f:hasError())
        f:close()
        assert(not pcall(f.readInt, f) and tostring(f):find('closed'))
        local pipe = torch.PipeFile('echo 12 13', 'r')
        assert(pipe:readInt() == 12 and pipe:readInt() == 13)
        print('all the same')
    ";
    fs::write(folder.path().join("files.lua"), script).unwrap();
    let output = th(folder.path(), &["--trusted", "files.lua"], "");
    assert_eq!(said(&output), "all the same\n", "{}", complained(&output));
}
