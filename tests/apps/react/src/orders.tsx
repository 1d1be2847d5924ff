import "./orders.css";

const PAST = [
  { day: "2 March", what: "Morning Sencha, 100 g", price: 14 },
  { day: "11 February", what: "Winter Chai, 200 g", price: 11 },
];

export default function Orders() {
  return (
    <>
      <h1>Your orders</h1>
      <table>
        <tbody>
          {PAST.map(({ day, what, price }) => (
            <tr key={day}>
              <th>{day}</th>
              <td>{what}</td>
              <td>€ {price}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
