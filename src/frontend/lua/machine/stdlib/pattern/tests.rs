//! Tests of the matcher: against the C functions of Lua 5.1 on many patterns, and its budget.

use std::sync::LazyLock;

use mlua::{Function, Lua, LuaString, StdLib, Value};
use proptest::prelude::*;

use super::matcher::{Fault, Matcher};
use crate::frontend::lua::machine::vm::{Vm, VmOptions};

/// Runs one call in a plain Lua 5.1 and in ours and compares every result, or both messages.
const COMPARE: &str = r#"
    local show = function(...)
      local parts = {}
      for i = 1, select('#', ...) do local v = select(i, ...) parts[i] = type(v) .. ':' .. tostring(v) end
      return table.concat(parts, ' ')
    end
    return function(call, ...)
      local run = function(s, p, extra, extra2)
        if call == 'gmatch' then
          local all = {}
          for a, b, c in string.gmatch(s, p) do all[#all + 1] = show(a, b, c) if #all > 200 then break end end
          return table.concat(all, '|')
        elseif call == 'gsub_function' then
          return string.gsub(s, p, function(a, b) return b and a .. b or nil end)
        elseif call == 'gsub_table' then
          return string.gsub(s, p, setmetatable({a = 'x', b = false, [1] = 9}, {__index = function(_, k) return type(k) == 'string' and k .. k or nil end}))
        end
        return string[call](s, p, extra, extra2)
      end
      local function finish(ok, ...) return (ok and 'ok ' or 'error ') .. show(...) end
      return finish(pcall(run, ...))
    end
"#;

struct Pair {
    plain: Lua,
    ours: Vm,
    compare: [Function; 2],
}

impl Pair {
    fn new() -> Self {
        let plain = Lua::new_with(StdLib::STRING | StdLib::TABLE, mlua::LuaOptions::default()).unwrap();
        let ours = Vm::new(VmOptions::default()).unwrap();
        let compare = [&plain, ours.lua()].map(|lua| lua.load(COMPARE).set_name("=compare").eval().unwrap());
        Pair { plain, ours, compare }
    }

    fn answers(&self, call: &str, subject: &[u8], pattern: &[u8], extra: &[Value]) -> (String, String) {
        let ask = |lua: &Lua, compare: &Function| {
            let mut args = vec![Value::String(lua.create_string(call).unwrap())];
            args.push(Value::String(lua.create_string(subject).unwrap()));
            args.push(Value::String(lua.create_string(pattern).unwrap()));
            for value in extra {
                args.push(match value {
                    Value::String(text) => Value::String(lua.create_string(text.as_bytes()).unwrap()),
                    other => other.clone(),
                });
            }
            let text: LuaString = compare.call(mlua::MultiValue::from_iter(args)).unwrap();
            // After a tail call Lua 5.1 has forgotten the function's name.
            let text = text.to_string_lossy().replace("'?'", &format!("'{call}'"));
            // Lua's own functions prefix the line of the caller; ours get it from the stack.
            text.split("compare:").last().map_or(text.clone(), |rest| match text.contains("compare:") {
                true => format!("error {}", rest.split_once(": ").map_or(rest, |(_, words)| words)),
                false => text.replace("error string:", "error "),
            })
        };
        (ask(&self.plain, &self.compare[0]), ask(self.ours.lua(), &self.compare[1]))
    }

    fn agree(&self, call: &str, subject: &[u8], pattern: &[u8], extra: &[Value]) {
        let (plain, ours) = self.answers(call, subject, pattern, extra);
        let (s, p) = (String::from_utf8_lossy(subject), String::from_utf8_lossy(pattern));
        assert_eq!(plain, ours, "string.{call}({s:?}, {p:?}, {extra:?})");
    }

    fn agree_everywhere(&self, subject: &[u8], pattern: &[u8], template: &[u8]) {
        for call in ["find", "match", "gmatch", "gsub_function", "gsub_table"] {
            self.agree(call, subject, pattern, &[]);
        }
        let template = Value::String(self.plain.create_string(template).unwrap());
        self.agree("gsub", subject, pattern, std::slice::from_ref(&template));
        self.agree("gsub", subject, pattern, &[template, Value::Number(2.0)]);
        for init in [-3.0, 0.0, 2.0, 1e9] {
            self.agree("find", subject, pattern, &[Value::Number(init)]);
            self.agree("match", subject, pattern, &[Value::Number(init)]);
        }
        self.agree("find", subject, pattern, &[Value::Number(1.0), Value::Boolean(true)]);
    }
}

#[test]
fn the_manuals_and_the_odd_patterns_agree_with_lua() {
    let pair = Pair::new();
    let subjects: [&[u8]; 8] = [
        b"",
        b"hello world",
        b"THE (quick) fox",
        b"key = value, k2=v2",
        b"[[x]]]-^%",
        b"a\0b\xff",
        b"aaa",
        b"  nn.Linear(10 -> 5)  ",
    ];
    let patterns = [
        "",
        "l+",
        "(l)(l)",
        "%w+",
        "(%w+) (%w+)",
        "^h",
        "d$",
        "$",
        "^$",
        "^",
        "()",
        "()ll()",
        "%b()",
        "%b((",
        "%f[%w]%w+",
        "%f[%W]",
        "(%w+)%s*=%s*(%w+)",
        "[%a_][%w_]*",
        "[^%s]+",
        "[]]",
        "[^]]+",
        "[a-]",
        "[-a]",
        "[%a-z]",
        "[a-%%]",
        "[^^]",
        "%%",
        "a-",
        "a-$",
        "a?a?aaa",
        "(a*)(a-)$",
        "(.)%1",
        "%1",
        "(%1)",
        "((a)",
        "a)",
        "(",
        ")",
        "%",
        "[",
        "[^",
        "[%",
        "[a-",
        "%b",
        "%bx",
        "%f",
        "%fx",
        "x*",
        ".-%(",
        "%z",
        "[%z]",
        "%g",
        "%s*$",
        "^%s*(.-)%s*$",
        "(.*)(.*)(.*)",
        "(()((a)))",
        "%S+",
        "*",
        "+a",
        "a**",
        "?",
        "-",
        "a+-",
        "^*",
        "a^b",
        "a$b",
        "%d%D",
        "\u{ff}",
    ];
    for subject in subjects {
        for pattern in patterns {
            pair.agree_everywhere(subject, pattern.as_bytes(), b"<%0>");
        }
    }
    for template in ["%1", "%2", "%9", "%%", "%x", "%", "a%0%1b", ""] {
        pair.agree("gsub", b"hello", b"(l)", &[Value::String(pair.plain.create_string(template).unwrap())]);
        pair.agree("gsub", b"hello", b"()", &[Value::String(pair.plain.create_string(template).unwrap())]);
    }
    pair.agree("gsub", b"hello", b"l", &[Value::Boolean(true)]);
    pair.agree("gsub", b"hello", b"l", &[]);
    pair.agree("gsub", b"hello", b"l", &[Value::Number(7.0)]);
    pair.agree("find", b"hello", b"l", &[Value::Boolean(true)]);
    let many = "()".repeat(33);
    pair.agree("find", b"hello", many.as_bytes(), &[]);
}

thread_local! {
    static PAIR: LazyLock<Pair> = LazyLock::new(Pair::new);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn random_patterns_agree_with_lua(
        subject in "[ab(). %]{0,12}",
        pattern in "(a|b|\\.|%a|%w|%b\\(\\)|%f\\[a\\]|\\(|\\)|\\(\\)|\\[ab\\]|\\[\\^a\\]|\\[|\\]|%1|%|\\*|\\+|-|\\?|\\$|\\^){0,6}",
        template in "(a|%0|%1|%2|%%){0,3}",
    ) {
        PAIR.with(|pair| pair.agree_everywhere(subject.as_bytes(), pattern.as_bytes(), template.as_bytes()));
    }
}

#[test]
fn wrong_arguments_are_told_as_lua_tells_them() {
    let vm = Vm::new(VmOptions::default()).unwrap();
    let checks = r"
        local function fails(words, f, ...) local ok, why = pcall(f, ...) assert(not ok and why:find(words, 1, true), tostring(why)) end
        fails('bad argument #1 to \'find\' (string expected, got nil)', function() string.find(nil, 'x') end)
        fails('bad argument #2 to \'match\' (string expected, got no value)', function() string.match('x') end)
        fails('bad argument #1 to \'gsub\' (string expected, got table)', function() local s = 'x' s:gsub({}, 'y') end)
        fails('bad argument #3 to \'find\' (number expected, got table)', function() string.find('x', 'x', {}) end)
        fails('bad argument #2 to \'rep\' (number expected, got no value)', function() string.rep('x') end)
        fails('invalid replacement value (a table)', function() string.gsub('x', 'x', function() return {} end) end)
        assert(string.find(123, 2) == 2 and ('x'):rep('3') == 'xxx')";
    vm.lua().load(checks).set_name("@net.lua").exec().unwrap();
}

#[test]
fn too_deep_a_pattern_is_refused() {
    let never = || Ok(());
    let pattern = "a?".repeat(300);
    let subject = "a".repeat(300);
    let outcome = Matcher::new(subject.as_bytes(), pattern.as_bytes(), &never).match_at(0);
    assert!(matches!(outcome, Err(Fault::Pattern(words)) if words == "pattern too complex"));
}

#[test]
fn the_budget_is_asked_while_it_backtracks() {
    let stop = || Err(mlua::Error::runtime("stop"));
    let (subject, pattern) = ("a".repeat(60), "(a*)(a*)(a*)(a*)(a*)b");
    let outcome = Matcher::new(subject.as_bytes(), pattern.as_bytes(), &stop).match_at(0);
    assert!(matches!(outcome, Err(Fault::Stopped(_))));
}
