"""Keccak-256 as Ethereum uses it: the submission of 2011. FIPS 202 (hashlib) pads differently.

G. Bertoni, J. Daemen, M. Peeters, G. Van Assche: The Keccak reference, version 3.0.
"""

from __future__ import annotations

RATE = 136  # bytes absorbed at a time: 200 of state less twice the 32 of output
ROUNDS = 24
_LANE = (1 << 64) - 1


def keccak_256(message: bytes) -> bytes:
    """The 32-byte digest of `message`."""
    padded = bytearray(message + b"\x01" + b"\0" * (RATE - 1 - len(message) % RATE))
    padded[-1] |= 0x80
    state = [0] * 25  # lane (x, y) at x + 5y
    for begin in range(0, len(padded), RATE):
        for lane in range(RATE // 8):
            state[lane] ^= int.from_bytes(padded[begin + 8 * lane : begin + 8 * lane + 8], "little")
        state = _permuted(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])


def _permuted(state: list[int]) -> list[int]:
    """Keccak-f[1600]: theta, rho and pi, chi, iota, 24 times."""
    for constant in _CONSTANTS:
        parity = [state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] for x in range(5)]
        mixed = [parity[x - 1] ^ _rotated(parity[(x + 1) % 5], 1) for x in range(5)]
        moved = [0] * 25
        for target, source, offset in _MOVES:
            moved[target] = _rotated(state[source] ^ mixed[source % 5], offset)
        state = [
            moved[x + y] ^ (~moved[(x + 1) % 5 + y] & moved[(x + 2) % 5 + y])
            for y in range(0, 25, 5)
            for x in range(5)
        ]
        state[0] ^= constant
    return state


def _rotated(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & _LANE if by else lane


def _moves() -> list[tuple[int, int, int]]:
    """Where rho and pi bring each lane, and by how many bits they turn it."""
    x, y = 1, 0
    moves = [(0, 0, 0)]
    for step in range(24):
        source = x + 5 * y
        x, y = y, (2 * x + 3 * y) % 5
        moves.append((x + 5 * y, source, (step + 1) * (step + 2) // 2 % 64))
    return moves


def _constants() -> list[int]:
    """Iota's round constants, from the linear feedback shift register x^8 + x^6 + x^5 + x^4 + 1."""
    register, constants = 1, []
    for _ in range(ROUNDS):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


_MOVES = _moves()
_CONSTANTS = _constants()
