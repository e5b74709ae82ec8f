//! Tests of `newer_syntax.rs`: what jumps become, that they go where LuaJIT's go, and what is refused.

use mlua::Lua;

use super::*;
use crate::frontend::lua::machine::{
    compile::compile,
    vm::{Limit, Vm, VmOptions},
};

fn text(text: &str) -> String {
    match rewritten(text.as_bytes()) {
        Some(Newer::Text(text)) => String::from_utf8(text).unwrap(),
        None => text.into(),
        Some(Newer::Wrong(line, words)) => format!("{line}: {words}"),
    }
}

#[test]
fn jumps_become_loops_and_breaks() {
    for (before, after) in [
        (
            "for i = 1, 3 do if i == 2 then goto continue end f(i) ::continue:: end",
            "for i = 1, 3 do repeat if i == 2 then do break end end f(i) until true   end",
        ),
        (
            "while x do if a then goto c end if b then break end ::c:: end",
            "while x do local goto__0; repeat if a then do break end end if b then do goto__0 = true break end end until true if goto__0 then break end    end",
        ),
        (
            "::top:: f() if x then goto top end",
            "  repeat local goto_0; repeat f() if x then do goto_0 = true break end end until true until not goto_0 ",
        ),
        ("f();; g() ; do ; end", "f();  g() ; do   end"),
        ("while x do break f() end", "while x do do break end f() end"),
        ("while x do break; end", "while x do break; end"),
        ("x = 0x1p-1 -- 10LL;;", "x = 5e-1 -- 10LL;;"),
        // A name in Lua 5.1.
        ("t.goto = goto + 1", "t.goto = goto + 1"),
        // What does not close is compiled without its jumps: the complaint is about the rest.
        ("if x then goto c ::c::", "if x then do end  "),
    ] {
        let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(words(&text(before)), words(after));
    }
}

/// Texts that answer true under Lua 5.2 and LuaJIT.
const TRUE: [&str; 17] = [
    // continue, in all kinds of loops, beside a break and nested
    "local t = {} for i = 1, 5 do if i % 2 == 0 then goto continue end if i == 5 then break end t[#t + 1] = i ::continue:: end
     return table.concat(t, ' ') == '1 3'",
    "local n, i = 0, 0 while i < 9 do i = i + 1 if i > 3 then goto continue end local k = i n = n + k ::continue:: end return n == 6",
    "local s = 0 for i = 1, 3 do for j = 1, 3 do if j == 2 then goto continue end s = s + 10 * i + j ::continue:: end end return s == 132",
    "local s = '' for _, v in ipairs{1, 2, 3} do do if v == 2 then goto next end end s = s .. v ::next:: end return s == '13'",
    "local n = 0 repeat n = n + 1 if n < 3 then goto continue end n = n + 10 ::continue:: until n > 10 return n == 13",
    // out of two loops, of both forwards and past a check
    "local at for i = 1, 9 do for j = 1, 9 do if i * j == 42 then at = i .. j goto found end end end ::found:: return at == '67'",
    "for i = 1, 3 do while true do repeat goto out until i > 5 end end do return false end ::out:: return true",
    "local s = '' for i = 1, 3 do for j = 1, 3 do if j == 2 then goto next end s = s .. i .. j .. ' ' end ::next:: end
     return s == '11 21 31 '",
    // back, and back out of a loop
    "local n = 0 ::again:: n = n + 1 if n < 5 then goto again end return n == 5",
    "local n = 0 ::again:: for i = 1, 3 do n = n + 1 if n < 10 and i == 2 then goto again end end return n == 11",
    "local s = '' for i = 1, 3 do local tries = 0 ::retry:: tries = tries + 1 if tries < i then goto retry end s = s .. tries end
     return s == '123'",
    // break out of the loop around a label that is jumped back to
    "local n = 0 while true do ::again:: n = n + 1 if n == 7 then break end goto again end return n == 7",
    // two labels whose jumps cross, labels at the end, closures of each round
    "local s = '' do if s == '' then goto a end s = s .. 1 if s then goto b end ::a:: s = s .. 2 goto b s = s .. 3 ::b:: s = s .. 4 end
     return s == '24'",
    "local f = {} for i = 1, 3 do local k = i f[i] = function() return k end if i == 2 then goto a end if i == 3 then goto b end
     k = k * 10 ::a:: ::b:: ; end return f[1]() + f[2]() + f[3]() == 15",
    "local function f(x) if x then goto yes end do return 'no' end ::yes:: return 'yes' end return f(1) .. f() == 'yesno'",
    // a label of an inner block hides the outer one
    "local n = 0 do do goto a end ::a:: n = n + 1 if n == 2 then goto a end end do n = n + 1 goto a end ::a:: return n == 2",
    "local f\n(function(...) f = select('#', ...) end)(1, 2) for i = 1, 2 do goto c ::c:: end return f == 2",
];

#[test]
fn jumps_go_where_luajit_s_go() {
    let vm = Vm::new(VmOptions::default()).unwrap();
    for text in TRUE {
        let function = vm.load("net.lua", text).unwrap_or_else(|page| panic!("{text}: {page}"));
        assert!(vm.guard(Limit::Build, "in a test", || function.call::<bool>(())).unwrap(), "{text}");
        // Every line keeps its number.
        if let Some(Newer::Text(written)) = rewritten(text.as_bytes()) {
            assert_eq!(line(&written), line(text.as_bytes()), "{text}");
        }
    }
}

#[test]
fn what_no_luajit_takes_is_refused_with_its_line() {
    let lua = Lua::new();
    for (text, wanted) in [
        ("x = 1\ngoto nowhere", "net.lua:2: undefined label 'nowhere'"),
        ("do ::inner:: end goto inner", "net.lua:1: undefined label 'inner'"),
        ("::a:: f()\n\n::a::", "net.lua:3: duplicate label 'a'"),
        ("goto a\nlocal x = 1\n::a:: print(x)", "net.lua:1: <goto a> jumps into the scope of local 'x'"),
        ("repeat goto c; local x = 1 ::c:: until x", "net.lua:1: <goto c> jumps into the scope of local 'x'"),
        ("::c:: function f() goto c end", "net.lua:1: undefined label 'c'"),
        ("goto a ::b:: f() ::a:: goto b", "net.lua:1: this goto back to 'b' is not carried out"),
        ("if x then goto a end break ::a:: f()", "net.lua:1: no loop to break"),
        ("x = 10LL", "10ll is an integer of 64 bits"),
        ("for i = 1, 3 do\ngoto c\nif x then\n::c::", "'end' expected (to close 'if' at line 3)"),
        ("goto c\nx = = 1\n::c::", "net.lua:2: unexpected symbol near '='"),
    ] {
        let error = compile(&lua, "net.lua", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn hostile_texts_end_soon() {
    let deep = format!("{}{}", "while x do ".repeat(150), "goto out ".repeat(10)) + &"end ".repeat(150) + "::out:: f()";
    assert!(matches!(rewritten(deep.as_bytes()), Some(Newer::Text(_))));
    for text in [
        "::a:: ".repeat(100_000),
        "goto a ".repeat(100_000),
        "function ".repeat(100_000),
        "do ".repeat(100_000),
        "repeat until function() ".repeat(20_000),
        ("while x do ".repeat(190) + &"if x then goto out end ".repeat(1000) + &"end ".repeat(190) + "::out:: ")
            .repeat(20),
    ] {
        let _ = rewritten(text.as_bytes());
    }
}
