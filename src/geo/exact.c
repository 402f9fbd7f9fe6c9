/*-------------------------------------------------------------------------
 *
 * exact.c
 *	  Orientation of three points in integers of any length.
 *
 * The last resort of edge.c, for the few points that lie within rounding of
 * an edge.  Every finite double is an integer times a power of two; shifted
 * to the smallest such power among the inputs, the determinant is integer
 * arithmetic.  This was preferred to floating-point expansions (Shewchuk
 * 1997) because it has no underflow (a latitude of 1e-300 is legal), and does
 * not depend on rounding modes, on -ffp-contract or on the compiler's mood.
 * Coordinates as people draw them need two or three words.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "geo/edge.h"

/* 2^-1074 .. 2^1024, three bits for sums and sign, in words of 32 bits. */
#define MAX_LIMBS 68

/* A two's complement number of "limbs" words, lowest first. */
typedef struct Number
{
	uint32_t limb[MAX_LIMBS];
} Number;

/* The scale of one computation. */
typedef struct Scale
{
	int exponent; /* a Number stands for its integer times 2^exponent */
	int limbs;
} Scale;

/*
 * Splits a finite value into mantissa * 2^*exponent with an odd mantissa;
 * zero gives mantissa 0 and exponent 0.
 */
static int64_t
double_split(double value, int *exponent)
{
	int64_t mantissa;

	*exponent = 0;
	if (value == 0)
		return 0;
	mantissa = (int64_t) ldexp(frexp(value, exponent), 53);
	*exponent -= 53;
	while ((mantissa & 1) == 0)
	{
		mantissa /= 2;
		(*exponent)++;
	}
	return mantissa;
}

/* Widens *lowest .. *highest by the exponents of the bits that value needs. */
static void
scale_include(double value, int *lowest, int *highest)
{
	int exponent;

	if (double_split(value, &exponent) == 0)
		return;
	if (exponent < *lowest)
		*lowest = exponent;
	(void) frexp(value, &exponent);
	if (exponent > *highest)
		*highest = exponent;
}

/* sum += term */
static void
number_add(Number *sum, const Number *term, int limbs)
{
	uint64_t carry = 0;
	int i;

	for (i = 0; i < limbs; i++)
	{
		carry += (uint64_t) sum->limb[i] + term->limb[i];
		sum->limb[i] = (uint32_t) carry;
		carry >>= 32;
	}
}

static void
number_negate(Number *number, int limbs)
{
	uint64_t carry = 1;
	int i;

	for (i = 0; i < limbs; i++)
	{
		carry += (uint32_t) ~number->limb[i];
		number->limb[i] = (uint32_t) carry;
		carry >>= 32;
	}
}

/* number = integer * 2^exponent, which the scale has room for. */
static void
number_set(Number *number, int64_t integer, int exponent, const Scale *scale)
{
	uint64_t rest = integer < 0 ? -(uint64_t) integer : (uint64_t) integer;
	int shift = exponent - scale->exponent;
	int word = shift / 32;

	memset(number->limb, 0, sizeof(uint32_t) * scale->limbs);
	if (rest == 0)
		return;
	shift %= 32;
	number->limb[word] = (uint32_t) (rest << shift);
	rest >>= 32 - shift;
	for (word++; rest != 0; word++)
	{
		number->limb[word] = (uint32_t) rest;
		rest >>= 32;
	}
	if (integer < 0)
		number_negate(number, scale->limbs);
}

/* number = (a + 360 * a_turn) - (b + 360 * b_turn) */
static void
number_set_difference(Number *number, double a, int32_t a_turn, double b, int32_t b_turn,
					  const Scale *scale)
{
	Number term;
	int64_t integer;
	int exponent;

	integer = double_split(a, &exponent);
	number_set(number, integer, exponent, scale);
	integer = double_split(b, &exponent);
	number_set(&term, -integer, exponent, scale);
	number_add(number, &term, scale->limbs);
	number_set(&term, ((int64_t) a_turn - b_turn) * 360, 0, scale);
	number_add(number, &term, scale->limbs);
}

/* Makes the number its absolute value; answers its sign as -1, 0 or 1. */
static int
number_take_sign(Number *number, int limbs)
{
	int i;

	if (number->limb[limbs - 1] >> 31)
	{
		number_negate(number, limbs);
		return -1;
	}
	for (i = 0; i < limbs; i++)
		if (number->limb[i] != 0)
			return 1;
	return 0;
}

/* product (2 * limbs words) = a * b, both without sign. */
static void
number_multiply(uint32_t *product, const Number *a, const Number *b, int limbs)
{
	int i;
	int j;

	memset(product, 0, sizeof(uint32_t) * 2 * limbs);
	for (i = 0; i < limbs; i++)
	{
		uint64_t carry = 0;

		for (j = 0; j < limbs; j++)
		{
			carry += (uint64_t) a->limb[i] * b->limb[j] + product[i + j];
			product[i + j] = (uint32_t) carry;
			carry >>= 32;
		}
		product[i + limbs] = (uint32_t) carry;
	}
}

/* The sign of a * b - c * d; destroys its arguments. */
static int
product_compare(Number *a, Number *b, Number *c, Number *d, int limbs)
{
	uint32_t left[2 * MAX_LIMBS];
	uint32_t right[2 * MAX_LIMBS];
	int left_sign = number_take_sign(a, limbs) * number_take_sign(b, limbs);
	int right_sign = number_take_sign(c, limbs) * number_take_sign(d, limbs);
	int i;

	if (left_sign != right_sign)
		return left_sign > right_sign ? 1 : -1;
	number_multiply(left, a, b, limbs);
	number_multiply(right, c, d, limbs);
	for (i = 2 * limbs - 1; i >= 0; i--)
		if (left[i] != right[i])
			return left[i] > right[i] ? left_sign : -left_sign;
	return 0;
}

/*
 * 1 where c lies to the left of the line from a to b (longitude to the
 * right, latitude up), -1 to the right, 0 on it.  Exact for all finite
 * coordinates and all turns; 0 where one is not finite, so that a damaged
 * image gives a wrong answer and nothing worse.
 */
int
gl_edge_orientation_exact(const GlPlanePoint *a, const GlPlanePoint *b, const GlPlanePoint *c)
{
	const GlPlanePoint *points[3] = {a, b, c};
	Number ax;
	Number ay;
	Number bx;
	Number by;
	Scale scale;
	int lowest = 0;
	int highest = 0;
	int i;

	for (i = 0; i < 3; i++)
	{
		if (!isfinite(points[i]->lat) || !isfinite(points[i]->lng))
			return 0;
		scale_include(points[i]->lat, &lowest, &highest);
		scale_include(points[i]->lng, &lowest, &highest);
		/* Two turns differ by less than 2^32, and 360 < 2^9. */
		if (points[i]->turn != 0 && highest < 41)
			highest = 41;
	}
	scale.exponent = lowest;
	scale.limbs = (highest - lowest + 3) / 32 + 1;

	number_set_difference(&ax, a->lng, a->turn, c->lng, c->turn, &scale);
	number_set_difference(&ay, a->lat, 0, c->lat, 0, &scale);
	number_set_difference(&bx, b->lng, b->turn, c->lng, c->turn, &scale);
	number_set_difference(&by, b->lat, 0, c->lat, 0, &scale);
	return product_compare(&ax, &by, &ay, &bx, scale.limbs);
}
