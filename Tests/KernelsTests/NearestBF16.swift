/// The bfloat16 number nearest to `x`, of two equally near ones the even one, by that definition: both neighbours are
/// looked at in double precision, which holds every difference of floats exactly. Infinity stands where the next power
/// of two would, as IEEE 754 rounds. NaN stays one of its sign: quiet, with the upper bits of its payload.
func nearestBF16(_ x: Float) -> UInt16 {
    let below = UInt16(x.bitPattern >> 16)
    if x.isNaN { return below | 0x40 }
    if x.isInfinite { return below }
    let above = below + 1
    let (toBelow, toAbove) = (distance(from: x, to: below), distance(from: x, to: above))
    if toBelow == toAbove { return below % 2 == 0 ? below : above }
    return toBelow < toAbove ? below : above
}

private func distance(from x: Float, to half: UInt16) -> Double {
    let number = Float(bitPattern: UInt32(half) << 16)
    let value = number.isInfinite ? (number < 0 ? -0x1p128 : 0x1p128) : Double(number)
    return (Double(x) - value).magnitude
}

/// The float that a bfloat16 number is.
func widened(bf16 half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }
