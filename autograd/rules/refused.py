"""Functions that take no Tensor, and why. With this file, every name of NumPy is in one of the tables."""

import numpy as np

from autograd.table import refuse

refuse(
    "it writes into an array that a recorded result may depend on; build the new array with np.where, np.concatenate "
    "or np.insert, and an array of one number with np.broadcast_to in place of np.full",
    *(np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask),
)
refuse(
    "a set has no fixed length; find the elements with np.isin or np.unique(…, return_index=True) and index",
    *(np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d),
    *("unique_all", "unique_counts", "unique_inverse", "unique_values"),
)
refuse(
    "the roots of a polynomial may be complex, and complex numbers are not differentiated here",
    *(np.roots, np.sort_complex),
)
refuse("use np.polyval, or divide the values", np.polydiv)
refuse("the next floating-point number is no function of calculus; use t * (1 + np.finfo(t.dtype).eps)", np.nextafter)
refuse(
    "dates are not differentiated; use plain arrays",
    *(np.isnat, np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string),
)

NOT_FOR_ARRAYS = {
    "makes a new array of numbers that are given one by one": (
        "arange array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix bartlett blackman "
        "bmat diag_indices empty eye from_dlpack frombuffer fromfile fromfunction fromiter fromregex fromstring full "
        "genfromtxt hamming hanning identity indices kaiser load loadtxt mask_indices ones require tri tril_indices "
        "triu_indices zeros"
    ),
    "is about types, shapes, names or settings, not about the values of arrays": (
        "base_repr binary_repr broadcast_shapes datetime_data format_float_positional format_float_scientific "
        "frompyfunc get_include get_printoptions getbufsize geterr geterrcall info isdtype isfortran isscalar "
        "issubdtype iterable mintypecode nested_iters printoptions promote_types set_printoptions setbufsize seterr "
        "seterrcall show_config show_runtime test typename"
    ),
    "is private or deprecated": "row_stack in1d trapz _get_promotion_state _set_promotion_state _no_nep50_warning",
}
"""Functions whose calls NumPy does not hand over to a Tensor, by the reason. Given a Tensor that requires a gradient,
they raise an error, since `Tensor.__array__` refuses."""
