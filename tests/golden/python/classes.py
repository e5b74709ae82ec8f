class A:
    x = 1
    def __init__(self, v): self.v = v
    def get(self): return self.v + self.x
a = A(5)
a.x = 10
print(a.get(), A.x, A(1).get(), a.__class__.__name__, A.__name__, isinstance(a, A), a.__dict__)
#%%
class A(object):
    def f(self): return 'A'
class B(A):
    def f(self): return 'B' + super(B, self).f()
class C(A):
    def f(self): return 'C' + super().f()
class D(B, C):
    def f(self): return 'D' + super().f()
print(D().f(), issubclass(D, A), isinstance(D(), (int, C)), issubclass(bool, int))
#%%
class A:
    def __init__(self): print('A'); self.a = 1
class B(A):
    def __init__(self, b):
        super().__init__()
        self.b = b
b = B(2)
print(b.a, b.b)
#%%
class P:
    def __init__(self): self._x = 0
    @property
    def x(self): return self._x
    @x.setter
    def x(self, v): self._x = v + 1
    y = property(lambda self: 'y')
p = P()
p.x = 4
print(p.x, p.y)
p.y = 3
#%%
class A:
    n = 0
    @classmethod
    def make(cls, *a): cls.n += 1; return cls(*a)
    @staticmethod
    def twice(x): return x * 2
class B(A): pass
print(type(B.make()).__name__, A.n, B.n, A.twice(3), A().twice(4))
#%%
class V:
    def __init__(self, x): self.x = x
    def __add__(self, o): return V(self.x + (o.x if isinstance(o, V) else o))
    def __radd__(self, o): return V(o + self.x)
    def __iadd__(self, o): self.x += 100; return self
    def __mul__(self, o): return NotImplemented
    def __rmul__(self, o): return 'rmul'
    def __neg__(self): return V(-self.x)
    def __eq__(self, o): return isinstance(o, V) and self.x == o.x
    def __lt__(self, o): return self.x < o.x
    def __repr__(self): return 'V(%d)' % self.x
    def __str__(self): return 'v'
    def __len__(self): return self.x
    def __bool__(self): return self.x > 1
    def __getitem__(self, i): return i
    def __contains__(self, i): return i == 7
    def __call__(self, *a, **k): return (a, k)
    def __abs__(self): return 'abs'
a = V(1); b = V(2)
print(a + b, a + 1, 1 + a, -a, a == V(1), a != b, a < b, sorted([b, a]), len(b), bool(a), bool(b), a[3], a[1:2], a[1, 2], 7 in a, 8 in a, a(1, k=2), abs(a), 2 * a)
print(str(a), repr(a), [a], '%s %r' % (a, a), f'{a} {a!r}')
a += 1
print(repr(a))
a * 2
#%%
class It:
    def __init__(self, n): self.n = n
    def __iter__(self): return self
    def __next__(self):
        if self.n == 0: raise StopIteration
        self.n -= 1
        return self.n
print(list(It(3)), sum(It(4)), [x for x in It(2)], max(It(3)))
#%%
class Seq:
    def __getitem__(self, i):
        if i > 2: raise IndexError
        return i * 10
print(list(Seq()), 20 in Seq())
#%%
class A: pass
a = A()
setattr(a, 'q', 5)
print(a.q, getattr(a, 'z', 'none'), hasattr(a, 'q'), hasattr(a, 'z'))
del a.q
print(hasattr(a, 'q'))
a.zz
#%%
class A:
    def __getattr__(self, name): return name.upper()
print(A().foo, getattr(A(), 'bar'))
#%%
class A:
    def __setattr__(self, n, v): super().__setattr__(n, v * 2)
a = A(); a.x = 2; print(a.x)
#%%
class A:
    def __init__(self): self.__p = 1
    def p(self): return self.__p
print(A().p(), A()._A__p)
#%%
class A:
    def f(self): return 1
A.g = lambda self: self.f() + 1
a = A()
a.h = lambda: 'inst'
print(a.g(), a.h(), A.f(a))
f = a.f
print(f())
#%%
class Meta:
    table = {'a': 1}
    size = len(table)
    def keys(self): return sorted(self.table)
    squares = [i * i for i in range(3)]
print(Meta.size, Meta().keys(), Meta.squares)
#%%
class A:
    def __init__(self, a): pass
A()
#%%
class A: pass
A(1)
#%%
class A:
    def __enter__(self): print('enter'); return 'value'
    def __exit__(self, t, v, tb): print('exit', t.__name__ if t else None); return False
with A() as v: print(v)
with A(): raise KeyError('k')
#%%
class S:
    def __enter__(self): return self
    def __exit__(self, *a): return True
with S(): 1 / 0
print('swallowed')
with S() as a, S() as b: print(a is b)
#%%
with 5: pass
#%%
class E(Exception): pass
class F(E):
    def __init__(self, code): super().__init__('code %d' % code); self.code = code
try: raise F(3)
except E as e: print(e, e.code, e.args, type(e).__name__, isinstance(e, Exception), repr(e))
#%%
try: raise ValueError('a', 1)
except (KeyError, ValueError) as e: print(e.args, str(e), repr(e))
#%%
try: {}['k']
except KeyError as e: print(e, repr(e), e.args)
#%%
try:
    try: 1 / 0
    except ZeroDivisionError: raise
except ArithmeticError as e: print('outer', e)
#%%
try:
    try: 1 / 0
    except ZeroDivisionError as e: raise ValueError('b') from e
except ValueError as e: print(e)
#%%
try: pass
except: print('no')
else: print('else')
finally: print('finally')
#%%
try: raise KeyError
except Exception as e: print(type(e).__name__, str(e) == '')
#%%
raise ValueError
#%%
raise 'text'
#%%
assert 1 == 1
try: assert 1 == 2, 'message %d' % 5
except AssertionError as e: print(e)
assert False
#%%
def f():
    raise NotImplementedError('sub')
try: f()
except NotImplementedError as e: print(e)
except Exception: print('no')
#%%
for i in range(3):
    try:
        if i == 1: raise IndexError(i)
        print(i)
    except IndexError as e: print('caught', e)
    finally: print('f', i)
#%%
e = 5
try: raise ValueError('x')
except ValueError as e: pass
print(e)
#%%
raise
#%%
try:
    try: raise KeyError('a')
    except KeyError: raise TypeError('b')
except TypeError as e: print('ok', e)
#%%
class A:
    _inst = None
    def __new__(cls, *a):
        if cls._inst is None: cls._inst = super().__new__(cls)
        return cls._inst
    def __init__(self, v): self.v = v
print(A(1) is A(2), A(3).v)
#%%
class A:
    def __hash__(self): return 5
    def __eq__(self, o): return True
print({A(): 1}[A()], len({A(), A()}))
#%%
class A:
    def __eq__(self, o): return True
{A(): 1}
#%%
class Node:
    def __init__(self, v, nxt=None): self.v, self.nxt = v, nxt
    def __iter__(self):
        out = []
        n = self
        while n is not None:
            out.append(n.v)
            n = n.nxt
        return iter(out)
print(list(Node(1, Node(2, Node(3)))))
#%%
class D:
    def __get__(self, obj, cls): return 'got' if obj is not None else 'cls'
class A: d = D()
print(A().d)
#%%
class Base(object):
    registry = []
    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs
        Base.registry.append(type(self).__name__)
class Sub(Base):
    def __init__(self, n, *args, **kwargs):
        Base.__init__(self, *args, **kwargs)
        self.n = n
s = Sub(1, 2, k=3)
print(s.n, s.args, s.kwargs, Base.registry)
#%%
def cached(f):
    name = '_' + f.__name__
    @property
    def get(self):
        if not hasattr(self, name): setattr(self, name, f(self))
        return getattr(self, name)
    return get
class T:
    calls = 0
    @cached
    def v(self): T.calls += 1; return T.calls
t = T()
print(t.v, t.v, T().v)
#%%
class A:
    x = 1
    y = x + 1
    def f(self): return x
A().f()
#%%
class A(B): pass
#%%
class A: __slots__ = ('a',)
class Outer:
    class Inner:
        def f(self): return 'inner'
    def g(self): return self.Inner().f()
print(Outer().g(), Outer.Inner().f())
#%%
class A:
    def __index__(self): return 2
    def __int__(self): return 7
    def __float__(self): return 1.5
print([1, 2, 3][A()], int(A()), float(A()), list(range(A())))
#%%
class Big:
    def __format__(self, s): return 'fmt:' + s
print(f'{Big():abc}', '{:x}'.format(Big()))
#%%
class A:
    def __delitem__(self, k): print('del', k)
    def __setitem__(self, k, v): print('set', k, v)
a = A(); a['x'] = 1; del a['y']; a[1:2] = 3
#%%
x = []
class A:
    x.append(1)
    for i in range(2): x.append(i)
    if x: z = 'yes'
print(x, A.z, A.i)
#%%
print(type(5) is int, type(A) if False else type(int), type('a')('b'), type([])((1, 2)))
#%%
class T(object):
    pass
t = T()
print(t == t, t != T(), t is t, t in [t], [t].index(t))
#%%
class A:
    def __ne__(self, o): return 'ne'
    def __le__(self, o): return 'le'
    def __rsub__(self, o): return 'rsub'
    def __matmul__(self, o): return 'mm'
    def __invert__(self): return 'inv'
    def __pow__(self, o): return 'pow'
    def __floordiv__(self, o): return 'fd'
    def __truediv__(self, o): return 'td'
a = A()
print(a != 1, a <= 1, 1 >= a, 5 - a, a @ 1, ~a, a ** 2, a // 2, a / 2)
a < 1
#%%
class A:
    def __init__(self): self.items = []
    def __len__(self): return len(self.items)
    def __iter__(self): return iter(self.items)
    def add(self, x): self.items.append(x); return self
a = A()
print(bool(a), len(a.add(1).add(2)), bool(a), list(a), [x for x in a], 2 in a, sum(a), max(a), sorted(a, reverse=True), tuple(a), dict(zip(a, a)))
#%%
class A: pass
class B(A): pass
class C(B, A): pass
print([k.__name__ for k in (A, B, C)], issubclass(C, (int, A)), isinstance(C(), B), type(C()) is C, type(C()) == B)
class D(A, B): pass
#%%
class A:
    def f(self): return super().g()
A().f()
#%%
class A:
    def __init__(self, **kw):
        for k, v in kw.items(): setattr(self, k, v)
    def __getattr__(self, k): raise AttributeError('no ' + k)
a = A(x=1, y=2)
print(a.x, a.y, hasattr(a, 'z'), getattr(a, 'z', 3), sorted(a.__dict__))
a.z
#%%
class A:
    @property
    def x(self): raise AttributeError('inner')
print(hasattr(A(), 'x'))
A().x
#%%
class A:
    count = 0
    def __init__(self): self.count += 1
a, b = A(), A()
print(a.count, A.count)
A.count = 10
print(A().count, b.count)
del A.count
A.count
#%%
class Stack(object):
    def __enter__(self): self.log = []; return self.log.append
    def __exit__(self, kind, value, trace):
        print(self.log, kind is None, value)
with Stack() as put:
    put(1); put(2)
try:
    with Stack() as put:
        put(3)
        raise RuntimeError('boom')
except RuntimeError as e: print('out', e)
#%%
class A:
    def __add__(self, o): return NotImplemented
class B:
    def __radd__(self, o): return 'radd'
print(A() + B())
A() + 1
#%%
class Cell:
    def __init__(self, n): self.n = n
    def __call__(self, x, scale=1): return x * self.n * scale
layers = [Cell(i) for i in (1, 2, 3)]
x = 1
for layer in layers: x = layer(x, scale=2)
print(x, callable(layers[0]))
#%%
class E(ValueError):
    def __str__(self): return 'custom'
try: raise E(1, 2)
except ValueError as e: print(e, e.args, repr(e))
raise E
#%%
try:
    raise Exception('a') from ValueError('b')
except Exception as e: print(e)
try:
    try: 1 / 0
    finally: {}['x']
except KeyError as e: print('key', e)
#%%
import functools
def log(fn):
    @functools.wraps(fn)
    def w(self, *a):
        print('call', fn.__name__)
        return fn(self, *a)
    return w
class A:
    @log
    def f(self, x): return x
    @classmethod
    def g(cls): return cls.__name__
    @staticmethod
    def h(): return 'h'
    i = staticmethod(lambda: 'i')
print(A().f(3), A.g(), A().g(), A.h(), A().i(), A.f.__name__)
