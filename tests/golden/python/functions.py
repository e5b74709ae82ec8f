def f(a, b=2, *args, c=3, **kw):
    return a, b, args, c, kw
print(f(1), f(1, 5), f(1, 2, 3, 4), f(1, c=9), f(1, d=4), f(*[1, 2], **{'c': 5, 'z': 6}), f(b=1, a=0))
#%%
def f(a): pass
f()
#%%
def f(a): pass
f(1, 2)
#%%
def f(a): pass
f(1, a=2)
#%%
def f(a): pass
f(b=2)
#%%
def f(*, a): return a
print(f(a=1))
f(1)
#%%
def f(a, /, b): return a + b
print(f(1, b=2))
f(a=1, b=2)
#%%
def f(x, acc=[]):
    acc.append(x)
    return acc
f(1); print(f(2))
#%%
def f():
    """Doc."""
    return
print(f(), f.__doc__, f.__name__)
#%%
def outer():
    x = 1
    def inner():
        return x
    x = 2
    return inner
print(outer()())
#%%
fs = [lambda: i for i in range(3)]
print([f() for f in fs])
fs = [lambda i=i: i for i in range(3)]
print([f() for f in fs])
#%%
def counter():
    n = 0
    def add(k=1):
        nonlocal n
        n += k
        return n
    return add
c = counter(); c(); c(5); print(c())
#%%
total = 0
def add(n):
    global total
    total += n
add(3); add(4); print(total)
#%%
def f():
    print(x)
    x = 1
f()
#%%
print(undefined)
#%%
def f():
    return g()
def g():
    return undefined
try:
    f()
except NameError as e:
    print(e)
#%%
x = 1
def f():
    x = 2
    def g():
        global x
        x = 3
    g()
    return x
print(f(), x)
#%%
def fact(n): return 1 if n < 2 else n * fact(n - 1)
print(fact(10))
#%%
def deco(f):
    def wrapped(*a, **k):
        return 'w' + f(*a, **k)
    return wrapped
@deco
def hi(n='x'): return 'hi' + n
print(hi(), hi('y'), hi(n='z'))
#%%
def repeat(n):
    def deco(f):
        def w(*a):
            return [f(*a) for _ in range(n)]
        return w
    return deco
@repeat(2)
@repeat(1)
def one(): return 1
print(one())
#%%
from functools import partial, reduce, wraps
def deco(f):
    @wraps(f)
    def w(*a): return f(*a)
    return w
@deco
def named():
    "doc"
p = partial(max, 5)
print(named.__name__, named.__doc__, p(3), p(9), reduce(lambda a, b: a * b, [1, 2, 3, 4]), reduce(lambda a, b: a + b, [], 0), partial(sorted, reverse=True)([1, 2]))
#%%
print((lambda x, *y, z=1, **k: (x, y, z, k))(1, 2, z=3, w=4), (lambda: 5)())
#%%
def f(n):
    while n > 0:
        n -= 1
        if n == 3: continue
        if n == 1: break
        print(n, end=' ')
    else:
        print('else')
    print('done')
f(6); f(0)
#%%
for i in range(3):
    for j in range(3):
        if j == i: break
        print(i, j)
    else:
        print('full')
#%%
def f(x):
    if x < 0: return 'neg'
    elif x == 0: return 'zero'
    else: return 'pos'
print(f(-1), f(0), f(1))
#%%
x = 10
while x:
    x -= 3
    if x < 0:
        break
print(x)
#%%
if (n := len('abc')) > 2: print(n)
print([y for x in range(4) if (y := x * 2) > 2], y)
#%%
a = b = c = 0
a, (b, c) = 1, (2, 3)
print(a, b, c)
del a
print(a)
#%%
def f():
    try:
        return 'try'
    finally:
        print('finally')
print(f())
#%%
def f():
    for i in range(3):
        try:
            continue
        finally:
            print(i)
    return 'end'
print(f())
#%%
def f():
    try:
        raise ValueError('a')
    finally:
        return 'swallowed'
print(f())
#%%
def f(a, b): return a - b
print(f(*(5, 3)), f(**{'a': 1, 'b': 2}), f(5, **{'b': 1}), f(*[1], *[2]))
#%%
def f(**kw): return kw
f(**{'a': 1}, a=2)
#%%
def f(): pass
f.x = 5
print(f.x, hasattr(f, 'y'), callable(f), callable(5), callable(int))
#%%
5()
#%%
print(*[1, 2], *(3,), sep=',')
#%%
def gen(n): return [i ** 2 for i in range(n)]
print(gen(4), sum(gen(4)), max(gen(4)), [g for g in gen(3)])
#%%
def f(x: int, y: str = 'a') -> str:
    z: int = 3
    w: float
    return y * x + str(z)
print(f(2))
#%%
x = 5; y = 6; print(x, y)
if x: print('one line')
pass
#%%
def fib(n, memo={}):
    if n in memo: return memo[n]
    memo[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
    return memo[n]
print(fib(50))
#%%
def rec(n): return rec(n + 1)
try:
    rec(0)
except RecursionError as e:
    print('deep')
#%%
def f(a, b, c): return (a, b, c)
args = (1,)
print(f(*args, *[2], c=3))
print((lambda *a: a)(*'ab', *{'k': 1}))
#%%
def make(kind, **options):
    table = {'add': lambda a, b: a + b, 'mul': lambda a, b: a * b}
    return table[kind](**options)
print(make('add', a=1, b=2), make('mul', a=3, b=4))
#%%
def f(x):
    def g(y):
        def h(z):
            return x + y + z
        return h
    return g
print(f(1)(2)(3))
#%%
def f():
    x = [1]
    def g():
        x.append(2)
        return [v * k for v in x for k in x]
    return g()
print(f())
#%%
def f(a, b): return a
f(1, 2, 3, c=4)
#%%
print(list(map(lambda p: p[0](p[1]), [(abs, -1), (str, 2), (bool, 0)])), [f(4) for f in (lambda x: x + 1, float, range)])
#%%
def outer():
    def a(n): return 'a' if n == 0 else b(n - 1)
    def b(n): return 'b' if n == 0 else a(n - 1)
    return a(3), b(3)
print(outer())
#%%
x = 'global'
def f():
    def g():
        return x
    x = 'local'
    return g()
print(f())
#%%
def f():
    for i in range(2):
        def g(i=i): return i
        yield_ = g
    return yield_()
print(f())
#%%
def f():
    del x
    x = 1
f()
#%%
def f(n):
    if n: return f(n - 1) + 1
    return 0
print(f(400))
#%%
try:
    [][0]
except IndexError:
    print('index')
try:
    int('x')
except (TypeError, ValueError) as e:
    print(type(e).__name__)
try:
    try:
        raise KeyError('a')
    finally:
        print('cleanup')
except LookupError as e:
    print(repr(e))
#%%
def f():
    try:
        try:
            return 1
        finally:
            print('a')
    finally:
        print('b')
print(f())
#%%
for i in range(5):
    if i == 1: continue
    if i == 3: break
    print(i)
else:
    print('never')
print(i)
#%%
i = 0
while True:
    i += 1
    try:
        if i < 3: continue
        break
    finally:
        print('f', i)
print(i)
#%%
print((lambda *, k=1: k)(k=2), (lambda **k: sorted(k))(b=1, a=2), (lambda a, *b: (a, b))(1), (lambda: None)())
#%%
from functools import reduce
reduce(lambda a, b: a + b, [])
#%%
print(sum(x * y for x in range(3) for y in range(x)), max((len(w), w) for w in ['a', 'bb']), dict((k, v) for k, v in [(1, 2)]), tuple(x for x in 'ab'), set(x % 2 for x in range(4)) == {0, 1})
