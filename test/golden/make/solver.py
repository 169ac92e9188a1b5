"""What each method reaches on one problem, in float64, by formulas other than Quail's: alternating least squares and QERA's."""

import json

import numpy as np
from safetensors.numpy import load_file, save_file

ALTERNATIONS = 20


def make(out, options):
    folder = out / "solver"
    folder.mkdir(parents=True, exist_ok=True)
    store, report = folder / "problems.safetensors", folder / f"{options.name}.json"
    tensors = load_file(store) if store.exists() else {}
    if f"{options.name}.E" not in tensors:
        E, H = random_problem(*options.shape, options.tokens)
        tensors |= {f"{options.name}.E": E, f"{options.name}.H": H}
    rank = json.loads(report.read_text(encoding="utf-8"))["rank"] if report.exists() else options.rank
    E, H = (tensors[f"{options.name}.{part}"] for part in "EH")
    figures = {"rank": rank, "loss_rank0": loss(E, H), "frobenius_rank0": float((E**2).sum())}
    for name, method in METHODS.items():
        try:
            product = method(E, H, rank)
            if not np.isfinite(product).all():
                raise np.linalg.LinAlgError("the result is not finite")
        except np.linalg.LinAlgError as error:  # a formula that needs an inverse which does not exist
            tensors.pop(f"{options.name}.{name}.AB", None)
            figures[name] = {"error": str(error)}
            continue
        tensors[f"{options.name}.{name}.AB"] = product
        figures[name] = {"loss": loss(E - product, H), "frobenius": float(((E - product) ** 2).sum())}
    figures["eigenvalues_EHEt"] = np.linalg.eigvalsh(E @ H @ E.T)[::-1].tolist()
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, store, metadata={"format": "pt"})
    report.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return [store, report]


def random_problem(rows, columns, tokens):
    """A nearly flat error, and inputs whose channels differ and hang together."""
    generator = np.random.default_rng(7)
    mixing = generator.standard_normal((columns, columns)) * np.logspace(0, -2, columns)[:, None]
    X = generator.standard_normal((tokens, columns)) @ mixing
    return 0.01 * generator.standard_normal((rows, columns)), X.T @ X / tokens


def loss(R, H):
    return float(np.einsum("ij,jk,ik->", R, H, R))


def truncated(M, rank):
    U, s, Vt = np.linalg.svd(M, full_matrices=False)
    return U[:, :rank] * s[:rank], Vt[:rank]


def svd(E, _H, rank):
    A, B = truncated(E, rank)
    return A @ B


def diag(E, H, rank):
    scale = np.sqrt(np.diag(H))
    A, B = truncated(E * scale, rank)
    return A @ np.divide(B, scale, out=np.zeros_like(B), where=scale > 0)  # channels that are never used get nothing


def quailora(E, H, rank):
    A, B = truncated(E, rank)
    for _ in range(ALTERNATIONS):
        A = np.linalg.solve(B @ H @ B.T, B @ H @ E.T).T
        B = np.linalg.solve(A.T @ A, A.T @ E)
    return A @ B


def exact(E, H, rank):
    U = np.linalg.eigh(E @ H @ E.T)[1][:, ::-1][:, :rank]
    return U @ (U.T @ E)


METHODS = {"svd": svd, "diag": diag, "quailora": quailora, "exact": exact}
