package sn9.data;

import java.util.List;

/**
 * One page of a dataset: the unit that miners and validators draw.
 *
 * @param number which page of its source this is
 * @param texts the page's rows of text, in order
 */
public record Page(long number, List<String> texts) {}
