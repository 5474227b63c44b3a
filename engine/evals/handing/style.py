"""How the page looks: one sheet for light, dark and paper. It names no file and no font of its own."""

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--card:#f7f8fa;--ink:#1c2024;--soft:#667085;--line:#e4e7ec;
--pass:#1a7f37;--fail:#b42318;--error:#9a6700;--c0:#3b73d1;--c1:#d9822b;--c2:#2f9e76;--c3:#b0519f;--c4:#7a6ff0;
--c5:#8a8f98}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1d2127;--ink:#e6e8eb;--soft:#98a2b3;
--line:#313740;--pass:#4cc275;--fail:#f97066;--error:#e0b341;--c0:#6ea0f5;--c1:#f0a45b;--c2:#57c99e;--c3:#d685c8;
--c4:#a59cff;--c5:#a7adb8}}
*{box-sizing:border-box}
body{font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;max-width:68rem;margin:0 auto;
padding:2.5rem 1.25rem 4rem;color:var(--ink);background:var(--paper)}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em}
h2{font-size:1.15rem;margin:2.5rem 0 .75rem}p{margin:.25rem 0}.soft{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.9rem;margin:1.5rem 0}
.card{background:var(--card);border:1px solid var(--line);border-top:3px solid var(--c);border-radius:.6rem;
padding:.9rem 1.1rem}.card b{font-size:2rem;line-height:1.2;font-variant-numeric:tabular-nums;display:block}
.card h3{margin:0;font-size:.95rem;overflow-wrap:anywhere}
svg{display:block;max-width:100%;height:auto;margin:.4rem 0}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
svg .axis{stroke:var(--line)}svg .whisker{stroke:var(--ink);stroke-width:1.5}svg .faint{fill:var(--soft)}
.k0{fill:var(--c0)}.k1{fill:var(--c1)}.k2{fill:var(--c2)}.k3{fill:var(--c3)}.k4{fill:var(--c4)}.k5{fill:var(--c5)}
.key i{display:inline-block;width:.75rem;height:.75rem;border-radius:.2rem;margin:0 .35rem 0 1rem;
background:var(--c)}.key i:first-child{margin-left:0}
.pick{position:absolute;opacity:0}.pick+label{display:inline-block;cursor:pointer;padding:.2rem .75rem;
margin:0 .3rem .8rem 0;border:1px solid var(--line);border-radius:1rem;color:var(--soft);font-size:.9rem}
.pick:checked+label{background:var(--ink);color:var(--paper);border-color:var(--ink)}
.pick:focus-visible+label{outline:2px solid var(--c0)}
#only-fail:checked~.cases>:not(.fail),#only-error:checked~.cases>:not(.error),
#only-pass:checked~.cases>:not(.pass),#only-differ:checked~.cases>:not(.differ){display:none}
details{border-bottom:1px solid var(--line);content-visibility:auto;contain-intrinsic-size:auto 2.1rem}
summary{cursor:pointer;padding:.35rem 0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
details[open] summary{white-space:normal;overflow-wrap:anywhere}details[open]{padding-bottom:1rem}
.mark{display:inline-block;min-width:3.2rem;font-size:.8rem;font-weight:600}
.mark.pass{color:var(--pass)}.mark.fail{color:var(--fail)}.mark.error{color:var(--error)}
.part{color:var(--soft);font-size:.8rem;margin:.7rem 0 .15rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,Menlo,Consolas,monospace;margin:0;
background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.55rem .7rem;max-height:32rem;
overflow-y:auto}
.side{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:0 1.2rem}
ul{margin:.4rem 0 0;padding-left:1.1rem;font-size:.9rem;overflow-wrap:anywhere}
li.fail::marker{color:var(--fail)}li.pass::marker{color:var(--pass)}li.error::marker{color:var(--error)}
@media print{body{padding:0}.pick+label{display:none}details{content-visibility:visible}pre{max-height:none}}
"""
