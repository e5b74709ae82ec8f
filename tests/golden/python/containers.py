a = [3, 1, 2]
a.append(4); a.extend([5, 6]); a.insert(0, 9); print(a, a.pop(), a.pop(0), a.index(1), a.count(2), len(a))
a.remove(1); a.sort(); print(a); a.reverse(); print(a, a[::-1], a[1:], a[:-1], a[-2:])
#%%
a = [1, 2, 3, 4, 5]
a[1:3] = [20, 30, 40]; print(a)
a[::2] = [0, 0, 0]; print(a)
del a[0], a[-1]; print(a)
del a[1:]; print(a)
a[5:] = [7]; print(a)
a *= 2; print(a)
a += (1, 2); print(a)
#%%
a = [1, 2, 3]
a[::2] = [1]
#%%
print([1, 2][2])
#%%
[].pop()
#%%
[1].remove(2)
#%%
a = b = [1]
b.append(2)
c = a[:]
c.append(3)
print(a, b, c, a is b, a is c, a == [1, 2])
#%%
print([x for x in range(10) if x % 2 if x > 3], [x + y for x in 'ab' for y in 'cd'], [[j for j in range(i)] for i in range(3)])
#%%
x = 'outer'
y = [x for x in range(3)]
print(x, y)
#%%
print([(i, j) for i, j in zip([1, 2], 'ab')], {i: j for i, j in enumerate('ab')}, {i % 2 for i in range(5)}, list(i for i in range(3)))
#%%
print(sorted([3, 1, 2]), sorted('bca', reverse=True), sorted([(1, 'b'), (1, 'a')], key=lambda t: t[0]), sorted({'b': 1, 'a': 2}), sorted([1, -2, 3], key=abs, reverse=True))
#%%
print(sorted([1, 'a']))
#%%
t = 1, 2, 3
a, b, c = t
a, b = b, a
print(t, a, b, t[0], t[1:], t + (4,), t * 2, len(t), 2 in t, t.index(3), t.count(1), (1,), ())
#%%
t = (1, 2)
t[0] = 3
#%%
a, *b = 1, 2, 3
*c, d = [4, 5]
e, *f, g = 'ab'
[h, (i, j)] = 1, (2, 3)
print(a, b, c, d, e, f, g, h, i, j)
#%%
a, b = 1
#%%
a, b = 1, 2, 3
#%%
a, b, *c = [1]
#%%
d = {'a': 1, 'b': 2}
d['c'] = 3; d['a'] = 9
print(d, d['b'], d.get('z'), d.get('z', 0), 'a' in d, len(d), list(d), list(d.keys()), list(d.values()), list(d.items()))
print(d.pop('a'), d.pop('zz', None), d.setdefault('q', []), d.setdefault('b', 5), d)
del d['b']; print(d, d.popitem(), d)
d.update({'x': 1}, y=2); d.update([('z', 3)]); print(d, dict(a=1, **{'b': 2}), dict([(1, 2)]), dict(d) == d, dict.fromkeys('ab', 0))
#%%
d = {'a': 1}
print(d['b'])
#%%
d = {}
d[[1]] = 2
#%%
d = {1: 'a', (1, 2): 'b', None: 'c', 'x': {'y': [1]}}
print(d, d[(1, 2)], d['x']['y'][0], {**d, 'z': 1}, d.keys(), d.items(), d.values())
for k in d: print(k, end=' ')
for k, v in d.items(): print(k, v)
#%%
d = {'a': 1, 'b': 2, 'c': 3}
for k in list(d):
    if d[k] == 2: del d[k]
print(d, {k: v for k, v in d.items() if v > 1}, max(d, key=d.get), d.keys() & {'a', 'z'}, d.keys() == {'a', 'c'})
#%%
d = {'a': 1}
for k in d:
    d[k + 'x'] = 1
#%%
s = {3, 1, 2}
s.add(4); s.discard(9); s.remove(1)
print(sorted(s), 2 in s, len(s), sorted(s | {7}), sorted(s & {2, 3}), sorted(s - {2}), sorted(s ^ {2, 8}), s <= {2, 3, 4, 5}, {2} < s, s == {4, 3, 2})
print(sorted(s.union([1], [5])), sorted(s.intersection([2])), s.issubset(range(10)), s.isdisjoint({9}), sorted(s.difference([2])))
#%%
set().pop()
#%%
{1}.remove(2)
#%%
r = range(0, 10, 3)
print(r, list(r), len(r), r[1], r[-1], 6 in r, 5 in r, r[1:], list(range(5, 0, -2)), list(range(0)), range(3) == range(0, 3), list(reversed(range(4))))
#%%
range(1, 2, 0)
#%%
print(list(zip([1, 2, 3], 'ab')), list(enumerate('ab', 1)), list(map(lambda x: x * 2, [1, 2])), list(map(max, [1, 5], [3, 2])), list(filter(None, [0, 1, 2])), list(filter(lambda x: x > 1, [1, 2])), list(reversed([1, 2])))
#%%
it = iter([1, 2])
print(next(it), next(it), next(it, 'end'))
next(it)
#%%
g = (i * i for i in range(3))
print(next(g), list(g), list(g))
#%%
print(any([]), all([]), any([0, 1]), all([1, 0]), any(x > 2 for x in [1, 3]), all(x > 2 for x in [1, 3]))
#%%
a = []
a.append(a)
d = {}
d['d'] = d
print(a, d)
#%%
print([1, [2, [3]]], [None, True, 1.0, 'a'], ((1, 2), [3]), {'k': (1,)}, [[]] * 2)
#%%
a = [[0] * 2 for _ in range(2)]
a[0][1] = 5
b = [[0] * 2] * 2
b[0][1] = 5
print(a, b)
#%%
print(list('abc'), list({'a': 1}), tuple([1, 2]), list(range(3)), set([1, 1]), list(zip(*[(1, 2), (3, 4)])), [*range(2), *'ab'], (*[1], 2), {*[1], 1})
#%%
x = [1, 2, 3]
for i, v in enumerate(x):
    x[i] = v * 10
print(x, x[True], [1, 2, 3][False])
#%%
print([1, 2, 3]['a'])
#%%
print([1, 2, 3][1.0])
#%%
print(len(5))
#%%
for x in 5: pass
#%%
print(5[0])
#%%
x = [3, 2, 1]
print(x.sort(), x, x.copy() is x, x.clear(), x)
#%%
a = (1, 2, (3, [4]))
b = a
print(hash((1, 2)) == hash((1, 2)), a == b, a is b, a[2][1])
print(hash(a))
#%%
print({(1, 2): 3}[1, 2], {frozenset([1]): 2}[frozenset([1])])
#%%
print([1, 2, 3][-1:], [1, 2, 3][3:], [1, 2, 3][1:1], [1, 2, 3, 4][-3:-1], [1, 2, 3, 4][::-2], [1, 2, 3, 4][3:0:-1], 'abc'[2::-1])
#%%
s = slice(1, 3)
print([1, 2, 3, 4][s], s, s.start, slice(3), slice(None, None, 2))
#%%
print(dict(zip(['a', 'b'], range(2))), {}.get('a') is None, bool({}), bool({1: 1}), list({}.items()))
#%%
print(min([1, 2], [1, 1]), max((1, 'a'), (1, 'b')), sum([[1, 2], [3]], []), [0] * 3 + [1])
#%%
a = [5, 3, 8]
print(a.index(max(a)), sorted(range(len(a)), key=lambda i: a[i]), sorted(a, key=lambda v: -v), list(map(str, a)), ' '.join(map(str, a)))
#%%
print([i for i in [1, 2, 3] if i != 2 and not i == 3], [a if a else 'n' for a in [0, 1]], [y for x in [[1, 2], [3]] for y in x])
#%%
s = {1, 2}
s.update([3], (4,)); s.difference_update([1]); print(sorted(s), sorted(s.symmetric_difference([2, 9])), s.issuperset([2]), sorted(s.copy()), s.clear(), s)
f = frozenset([1, 2])
print(sorted(f | {3}), type(f | {3}).__name__, type({3} | f).__name__, sorted(f & {1}), f == {1, 2}, f <= {1, 2, 3}, sorted(f.union([5])), f.isdisjoint([7]), type(f.copy()).__name__)
f.add(1)
#%%
d = {'b': 1, 'a': 2}
e = d.copy(); e['c'] = 3
print(d, e, d | {'z': 1}, sorted(d), min(d), list(reversed(list(d))), d == {'a': 2, 'b': 1}, d != {}, d.clear(), d, sorted(e.items(), key=lambda kv: kv[1]))
e |= {'q': 0}; print(e, 'q' in e.keys(), 1 in e.values(), ('q', 0) in e.items(), len(e.items()))
#%%
dict([(1, 2, 3)])
#%%
dict(5)
#%%
print((1, 2, 3).index(2), [1, 2, 1].index(1, 1), [1, 2].insert(5, 3), [3, 1].sort(reverse=True), [].extend([]), [1, 2, 3].pop(-2), [[1], [2]].copy())
(1,).index(5)
#%%
a = [1, 2, 3]
for x in a:
    if x < 3: a.append(x + 10)
    if len(a) > 6: break
print(a)
#%%
print(list(zip('ab', [1, 2], strict=True)))
list(zip('ab', [1], strict=True))
#%%
m = map(int, ['1', 'x'])
print(next(m))
next(m)
#%%
print([*map(lambda a, b: a + b, 'ab', 'cd')], list(filter(str.isdigit, ['1', 'a'])), list(map(str.upper, 'ab')), sorted('Ba', key=str.lower), list(map(len, ['a', 'bb'])), ''.join(reversed('abc')))
#%%
x = [1, 2, 3, 4]
x[1:1] = [9, 9]; x[-1:] = []; x[:0] = [0]; print(x, x[slice(None, None, -2)], x[-100:100], x[3:-3:-1])
del x[::2]; print(x)
#%%
print([1, 2, 3] > [1, 2], [1, [2]] == [1, [2]], (1, 2) == [1, 2], [] < [0], [[2, 1], [1, 2]] > [[1]], max([[1, 2], [1, 3]]))
{1} < [1]
#%%
def f(): return 1, 2
a, b = f(); (c, d), e = f(), 3; [g, *h] = 'xyz'
for i, (j, k) in enumerate([(1, 2), (3, 4)]): print(i, j, k)
for x, *y in [(1, 2, 3), 'ab']: print(x, y)
print(a, b, c, d, e, g, h)
#%%
print({**{'a': 1}, 'b': 2, **{'a': 3}}, [*[1], *(2,), *{3}], {*'a', *'b'} == {'a', 'b'}, (*range(3),), dict(**{'x': 1}))
