// Behind an instruction set's files: the next one defines these anew.
#undef V
#undef ALIGNED
#undef I
#undef INLINE
#undef LANES
#undef EACH
#undef IN
#undef IN_PART
#undef OUT
#undef OUT_PART
#undef MAP
#undef BODY
#undef ROWS
#undef WIDTH
#undef AHEAD
#undef F16C
#undef VNNI
