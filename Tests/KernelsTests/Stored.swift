import CKernels

/// Numbers as a checkpoint may store them, and the floats that they are.
struct Stored {
    let number: dseg_number
    /// A stored number each; a half takes the lower sixteen bits.
    let bits: [UInt32]

    /// The value of each: by the definition of its format, not by a kernel.
    var floats: [Float] {
        bits.map {
            switch number {
            case dseg_f16: Float(bitPattern: widened(half: UInt16($0)))
            case dseg_bf16: Float(bitPattern: $0 << 16)
            default: Float(bitPattern: $0)
            }
        }
    }

    init(_ number: dseg_number, bits: [UInt32]) {
        self.number = number
        self.bits = bits
    }

    init(_ floats: [Float]) {
        self.init(dseg_f32, bits: floats.map(\.bitPattern))
    }

    /// From `[outputs, rows, columns]` to `[outputs, columns, rows]`.
    func turned(_ rows: Int, _ columns: Int) -> Stored {
        Stored(
            number,
            bits: bits.indices.map { place in
                let (output, rest) = place.quotientAndRemainder(dividingBy: rows * columns)
                return bits[output * rows * columns + rest % rows * columns + rest / rows]
            })
    }

    /// The stored numbers one after another, as they lie in a file.
    var bytes: [UInt8] {
        bits.flatMap { bits in
            (0..<(number == dseg_f32 ? 4 : 2)).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
        }
    }
}

/// The bits of the float that a binary16 number is, by its definition; NaN keeps its payload.
func widened(half bits: UInt16) -> UInt32 {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 0x1f)
    let fraction = UInt32(bits & 0x3ff)
    if exponent == 31 {
        return UInt32(bits & 0x8000) << 16 | 0x7f80_0000 | fraction << 13
    }
    let significand = Float(exponent == 0 ? fraction : fraction + 1024)
    let scale = Float(sign: .plus, exponent: max(exponent, 1) - 25, significand: 1)
    return (sign * significand * scale).bitPattern
}

extension Draw {
    /// Numbers of every size below 2 that the format has, subnormal ones among the halves.
    mutating func stored(_ number: dseg_number, _ count: Int) -> Stored {
        guard number != dseg_f32 else { return Stored(floats(count)) }
        // Without the exponent's highest bit a number is below 2.
        return Stored(number, bits: (0..<count).map { _ in UInt32((next() + 1) * 0x1p15) & 0xbfff })
    }
}

let storedNumbers = [dseg_f32, dseg_f16, dseg_bf16]
